import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import type { EventView } from "../../core/event-view.ts";
import { readFlumeDatum } from "../../records/flume-datum.ts";
import { type KafkaRecord, lastHeaders, originHeader } from "../../records/kafka-record.ts";

/** A record, and where it was read. */
export interface ConsumedRecord extends KafkaRecord {
  readonly topic: string;
  readonly partition: number;
}

/** What the config says of records. */
export interface RecordRules {
  readonly useFlumeEventFormat?: boolean | undefined;
  readonly topicHeader: string;
  readonly partitionHeader?: string | undefined;
  readonly offsetHeader?: string | undefined;
}

/** A record without a value says that its key is deleted; an event always has a body. */
const tombstoneHeader = "tombstone";
/** Of a value that is no datum of Flume's, where one was expected: it is the body, as it stands. */
const notFlumeHeader = "not_flume_event";
const empty: Buffer = Buffer.alloc(0);

/**
 * The event of a record: its body, whether it is in the format that was expected, and what sets the rest; which answers how
 * many headers found no place.
 */
export function eventOf(record: ConsumedRecord, rules: RecordRules) {
  const { topicHeader, partitionHeader, offsetHeader, useFlumeEventFormat = false } = rules;
  const { topic, partition, offset, key, value, timestamp } = record;
  const datum = useFlumeEventFormat && value !== null ? readFlumeDatum(value) : undefined;
  const isAsExpected = !useFlumeEventFormat || value === null || datum !== undefined;
  const prepare = (view: EventView): number => {
    let leftOut = 0;
    const set = (name: string | undefined, text: string) => {
      if (name !== undefined && !view.setHeader(name, text)) leftOut++;
    };
    set(topicHeader, topic);
    set(partitionHeader, String(partition));
    set(offsetHeader, offset);
    if (value === null) set(tombstoneHeader, "true");
    if (!isAsExpected) set(notFlumeHeader, "true");
    const headers = lastHeaders(record);
    const identity = headers.get(IDENTITY_HEADER);
    // What it says itself of its origin counts only where nothing else is known of it.
    if (identity !== undefined) headers.set(originHeader, identity).delete(IDENTITY_HEADER);
    for (const [name, text] of headers) set(name, text);
    // What an event says itself counts more than what its record says, as in Flume's KafkaSource.
    for (const [name, text] of datum?.headers ?? []) if (name !== IDENTITY_HEADER) set(name, text);
    const timeMs = Number(timestamp);
    if (timeMs >= 0) view.eventTimeMs = timeMs;
    if (key !== null) view.key = key.toString("utf8");
    return leftOut;
  };
  return { body: datum?.body ?? value ?? empty, isAsExpected, prepare };
}
