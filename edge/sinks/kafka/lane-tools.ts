import type { KafkaLink } from "../../../shared/kafka/connection/link.ts";
import type { SigningKey } from "../../../shared/signature/keys.ts";
import type { SinkContext } from "../../core/context.ts";
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
  readonly stepless: SteplessClusters;
  /** The broker's producer.id.expiration.ms, as the config says it. */
  readonly producerIdExpirationMs: number;
  /** What batches are signed with as they go out; undefined: they are not. */
  readonly signingKey: SigningKey | undefined;
}

/** Clusters that refuse stepped epochs, as long as the process lives: there each session begins under a new producer id. */
export class SteplessClusters {
  private readonly ids = new Set<string>();

  has(clusterId: string): boolean {
    return this.ids.has(clusterId);
  }

  /** Answers whether that is news. */
  add(clusterId: string): boolean {
    if (this.ids.has(clusterId)) return false;
    this.ids.add(clusterId);
    return true;
  }
}

/**
 * What time it is at each broker, from the appends it reports. It tells a repeat on a LogAppendTime topic: the answer names
 * the time of the first append, which lies before the send that was answered. Good enough to count by, no proof: clocks
 * are set.
 */
export class BrokerClock {
  private readonly offsetsMs = new Map<number, number>();

  /** An append that was new: the broker's clock shows at least this much more than our uptime. */
  note(nodeId: number, appendTimeMs: number, uptimeMs: number): void {
    const offsetMs = appendTimeMs - uptimeMs;
    if (offsetMs > (this.offsetsMs.get(nodeId) ?? Number.NEGATIVE_INFINITY)) this.offsetsMs.set(nodeId, offsetMs);
  }

  /** Whether that append happened before we sent at `sentUptimeMs`; false when it cannot be told. */
  before(nodeId: number, appendTimeMs: number, sentUptimeMs: number): boolean {
    const offsetMs = this.offsetsMs.get(nodeId);
    return offsetMs !== undefined && appendTimeMs + toleranceMs < sentUptimeMs + offsetMs;
  }
}

/** Answers arrive later than they were made, and clocks are corrected: less than this apart says nothing. */
const toleranceMs = 1_000;
