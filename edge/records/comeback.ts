/**
 * Notices that an outage is over, for all lanes of a sink.
 *
 * Lanes that cannot reach their servers wait longer from try to try, up to some seconds, because a try costs a whole connection.
 * Meanwhile one prober for the whole sink knocks at the servers: a TCP connection, closed at once, every few hundred
 * milliseconds. Only when somebody opens does it ask a real question, and when that is answered it wakes the lanes. A
 * server that opens and does not answer (it starts, or refuses our login) is asked less and less often.
 *
 * Every wait has jitter, so that thousands of agents do not come back in the same moment.
 */
import { connect } from "node:net";
import { Backoff } from "../../shared/async/backoff.ts";
import { Gate } from "../../shared/async/gate.ts";
import { sleep } from "../../shared/async/sleep.ts";
import type { Address } from "../../shared/config/address.ts";
import type { Random } from "../../shared/random/random.ts";

/** From knock to knock: half of it at least. A second is what coming back may take, the connection included. */
const knockEveryMs = 600;
const knockTimeoutMs = 1_000;
const questionEveryMsMax = 5_000;
/** After it answers, a Kafka partition may still have no leader for a moment: this often lanes are woken without patience. */
const hastyMax = 10;

export interface ComebackOptions {
  readonly servers: readonly Address[];
  /** Whether somebody listens there; for tests. */
  readonly knock?: (address: Address, timeoutMs: number) => Promise<boolean>;
  /** A question that only a server that works answers; rejects when it does not. */
  readonly ask: () => Promise<unknown>;
  readonly random: Random;
  /** Waits between knocks; for tests. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export class Comeback {
  private readonly gate = new Gate();
  private readonly stopped = new AbortController();
  private waiting = 0;
  private running = false;

  constructor(private readonly options: ComebackOptions) {}

  /** Resolves when somebody answers again, or when the signal aborts. */
  async wait(signal: AbortSignal): Promise<void> {
    this.waiting++;
    if (!this.running) void this.run();
    try {
      await this.gate.wait(signal);
    } finally {
      this.waiting--;
    }
  }

  stop(): void {
    this.stopped.abort();
  }

  /** Never rejects: whatever goes wrong, nobody has answered. */
  private async run(): Promise<void> {
    this.running = true;
    const { signal } = this.stopped;
    const { servers, knock = knockAt, ask, random, pause = sleep } = this.options;
    const knocks = new Backoff({ initialMs: knockEveryMs, maxMs: knockEveryMs }, random);
    const questions = new Backoff({ initialMs: knockEveryMs, maxMs: questionEveryMsMax }, random);
    let pauseMs = knocks.nextMs();
    let answered = 0;
    for (;;) {
      await pause(pauseMs, signal);
      if (this.waiting === 0 || signal.aborted) break;
      const open = await Promise.all(servers.map((server) => knock(server, knockTimeoutMs)));
      if (!open.includes(true)) {
        questions.reset();
        answered = 0;
        pauseMs = knocks.nextMs();
        continue;
      }
      try {
        await ask();
        this.gate.open();
        answered++;
      } catch {
        // The lanes say what is wrong when they try; here it only means: not yet.
        answered = hastyMax;
      }
      pauseMs = answered < hastyMax ? knocks.nextMs() : questions.nextMs();
    }
    this.running = false;
  }
}

function knockAt({ host, port }: Address, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (open: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(open);
    };
    const timer = setTimeout(() => end(false), timeoutMs);
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
