/**
 * Which topic filters the broker's session of ours has. A session outlives a config: a filter that the config names no more
 * goes on bringing messages until the broker is told. So what was subscribed to is stored before the broker hears of it, and
 * forgotten when the broker has said that it is gone.
 */
import type { Intake, Positioned } from "../../core/source.ts";

export class Subscriptions implements Positioned {
  readonly key: string;
  private filters: readonly string[];

  /** @param session whose session at which broker it is. */
  constructor(
    session: string,
    private readonly wanted: readonly string[],
    private readonly intake: Intake,
  ) {
    this.key = `subscribed ${session}`;
    this.filters = filtersIn(intake.positions().get(this.key));
  }

  position(): string {
    return JSON.stringify(this.filters);
  }

  /** What the session may have and the config does not name. */
  get stale(): readonly string[] {
    return this.filters.filter((filter) => !this.wanted.includes(filter));
  }

  /** The broker is about to be asked for what is wanted: resolves when that is stored. */
  async begin(signal: AbortSignal): Promise<void> {
    const missing = this.wanted.filter((filter) => !this.filters.includes(filter));
    if (missing.length === 0) return;
    this.filters = [...this.filters, ...missing];
    this.intake.moved(this);
    await this.intake.committed(signal);
  }

  /** The session has what is wanted and nothing else. */
  settled(): void {
    if (this.stale.length === 0) return;
    this.filters = this.wanted;
    this.intake.moved(this);
  }
}

function filtersIn(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const list: unknown = JSON.parse(text);
  return Array.isArray(list) ? list.map(String) : [];
}
