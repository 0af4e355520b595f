import type { Clock } from "../../shared/clock/clock.ts";

/** The first wait of a member that failed; each further failure in a row doubles it. Flume's figure. */
const firstPenaltyMs = 1_000;

/**
 * How a member of a group has done lately, for all lanes together: a destination that is away is away for each. A member
 * that failed rests; then one lane tries it, and the others follow when that worked.
 */
export class MemberHealth {
  private failures = 0;
  private restsUntilMs = 0;
  private failedAtMs = Number.NEGATIVE_INFINITY;
  private isTried = false;

  constructor(
    private readonly clock: Clock,
    /** The longest rest; 0: it never rests. */
    private readonly restMsMax: number,
  ) {}

  /** Whether a lane may give it a batch now. Whoever does says `worked`, `failed` or `broughtNothing` afterwards. */
  mayTry(): boolean {
    if (this.failures === 0) return true;
    return !this.isTried && this.restLeftMs === 0;
  }

  /** A lane gives it a batch. Answers when, for `failed`. */
  trying(): number {
    if (this.failures > 0) this.isTried = true;
    return this.clock.uptimeMs();
  }

  worked(): void {
    this.failures = 0;
    this.isTried = false;
    this.restsUntilMs = 0;
  }

  /** Lanes that were under way when it failed first do not count as further failures. */
  failed(sinceMs: number): void {
    this.isTried = false;
    if (this.failures > 0 && sinceMs < this.failedAtMs) return;
    this.failures++;
    this.failedAtMs = this.clock.uptimeMs();
    const restMs = Math.min(this.restMsMax, firstPenaltyMs * 2 ** Math.min(this.failures - 1, 30));
    this.restsUntilMs = this.failedAtMs + restMs;
  }

  /** The lane was stopped: nobody knows. */
  broughtNothing(): void {
    this.isTried = false;
  }

  /** Its destination is back: it is tried again at once. */
  pardon(): void {
    this.restsUntilMs = 0;
  }

  get restLeftMs(): number {
    return Math.max(0, this.restsUntilMs - this.clock.uptimeMs());
  }

  get isUp(): boolean {
    return this.failures === 0;
  }
}
