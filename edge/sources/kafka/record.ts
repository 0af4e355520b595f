import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import type { EventView } from "../../core/event-view.ts";

/** A record as the client hands it out. */
export interface ConsumedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestamp: string;
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>> | undefined;
}

/** Which headers say where it came from. */
export interface OriginHeaders {
  readonly topicHeader: string;
  readonly partitionHeader?: string | undefined;
  readonly offsetHeader?: string | undefined;
}

/** Its headers come with a value of their own from each agent on the way: the one before is kept under this name. */
const originHeader = "origin";
/** A record without a value says that its key is deleted; an event always has a body. */
const tombstoneHeader = "tombstone";
const empty: Buffer = Buffer.alloc(0);

/** The event of a record: its body, and what sets the rest; which answers how many headers found no place. */
export function eventOf(record: ConsumedRecord, { topicHeader, partitionHeader, offsetHeader }: OriginHeaders) {
  const { topic, partition, offset, key, value, timestamp, headers = {} } = record;
  const prepare = (view: EventView): number => {
    let leftOut = 0;
    const set = (name: string | undefined, text: string) => {
      if (name !== undefined && !view.setHeader(name, text)) leftOut++;
    };
    set(topicHeader, topic);
    set(partitionHeader, String(partition));
    set(offsetHeader, offset);
    if (value === null) set(tombstoneHeader, "true");
    for (const [name, written] of Object.entries(headers)) {
      // Of several with one name the last one counts, as in Kafka's own `lastHeader`.
      const last = Array.isArray(written) ? written.at(-1) : written;
      if (last === undefined || last === null) continue;
      set(name === IDENTITY_HEADER ? originHeader : name, last.toString());
    }
    const timeMs = Number(timestamp);
    if (timeMs >= 0) view.eventTimeMs = timeMs;
    if (key !== null) view.key = key.toString("utf8");
    return leftOut;
  };
  return { body: value ?? empty, prepare };
}
