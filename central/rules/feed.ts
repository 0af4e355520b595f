/** The new events of an append, as rules are fed with them. */
import { lanePrefix } from "../../shared/identity/identity.ts";
import type { PlannedEvent } from "../ledger/entries.ts";
import type { Plan } from "../ledger/plan.ts";
import { partitionName, relayLine, type TopicPartition } from "../records/partition.ts";
import type { FedEvent } from "./outcome.ts";

/** Where an append comes from, and when. */
export interface FedFrom extends TopicPartition {
  readonly nowMs: number;
}

/** What of a plan somebody looks at, in the order of the partition. Only what is stored: a repeat is fed to nobody. */
export function fedEvents({ series }: Plan, from: FedFrom, looksAt: (stream: string) => boolean): readonly FedEvent[] {
  const fed: Fed[] = [];
  for (const { stream, vehicle, events } of series) {
    if (!looksAt(stream)) continue;
    for (const event of events) fed.push(new Fed(event, from, vehicle, stream));
  }
  return fed.sort((a, b) => a.offset - b.offset);
}

class Fed implements FedEvent {
  readonly timeMs: number;
  readonly arrivedMs: number;
  readonly value: Buffer | null;
  readonly offset: number;

  constructor(
    private readonly event: PlannedEvent,
    private readonly from: FedFrom,
    readonly vehicle: string,
    readonly stream: string,
  ) {
    this.timeMs = event.time;
    this.offset = event.offset;
    this.value = event.value;
    // By relay records come at once, and no topic has dated them.
    this.arrivedMs = from.topic === relayLine.topic ? from.nowMs : event.kafkaMs;
  }

  name(): string {
    const { origin, seq, offset } = this.event;
    return origin === undefined ? `${partitionName(this.from)}/${offset}` : `${lanePrefix(origin.identity)}${seq}`;
  }
}
