import type { SinkContext } from "../../core/context.ts";
import type { KafkaLink } from "./client/link.ts";
import type { Sender } from "./sender.ts";
import type { Telemetry } from "./telemetry.ts";
import type { ClockCorrection } from "./timestamps.ts";
import type { Topics } from "./topics.ts";

/** What all lanes of one sink share. */
export interface LaneTools {
  readonly context: SinkContext;
  readonly link: KafkaLink;
  readonly sender: Sender;
  readonly topics: Topics;
  readonly telemetry: Telemetry;
  readonly clockCorrection: ClockCorrection;
  readonly brokerClock: BrokerClock;
  /** The broker's producer.id.expiration.ms, as the config says it. */
  readonly producerIdExpirationMs: number;
}

/**
 * What time it is at the broker, from the appends it reports. It tells a repeat on a LogAppendTime topic: the answer
 * names the time of the first append, which lies before the send that was answered.
 */
export class BrokerClock {
  private offsetMs: number | undefined;

  /** An append that was new: the broker's clock shows at least this much more than our uptime. */
  note(appendTimeMs: number, uptimeMs: number): void {
    const offsetMs = appendTimeMs - uptimeMs;
    if (this.offsetMs === undefined || offsetMs > this.offsetMs) this.offsetMs = offsetMs;
  }

  /** Whether that append happened before we sent at `sentUptimeMs`; false when it cannot be told. */
  before(appendTimeMs: number, sentUptimeMs: number): boolean {
    return this.offsetMs !== undefined && appendTimeMs + toleranceMs < sentUptimeMs + this.offsetMs;
  }
}

/** Answers arrive later than they were made, and clocks are corrected: less than this apart says nothing. */
const toleranceMs = 1_000;
