import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { tombstoneHeader } from "../../../shared/kafka/record-batch/builder.ts";
import { textOfBytes } from "../../../shared/kafka/record-batch/byte-text.ts";
import type { EventView } from "../../core/event-view.ts";
import { readFlumeDatum } from "../../records/flume-datum.ts";
import { headersOf, type KafkaRecord, originHeader } from "../../records/kafka-record.ts";

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

/** Of a value that is no datum of Flume's, where one was expected: it is the body, as it stands. */
const notFlumeHeader = "not_flume_event";
const empty: Buffer = Buffer.alloc(0);

/**
 * The event of a record: its body, whether it is in the format that was expected, how many of its headers have no value, and what
 * sets the rest; which answers how many headers found no place.
 *
 * A record without a value says that its key is deleted. An event always has a body: it is empty, and a header says what it was.
 */
export function eventOf(record: ConsumedRecord, rules: RecordRules) {
  const { topicHeader, partitionHeader, offsetHeader, useFlumeEventFormat = false } = rules;
  const { topic, partition, offset, key, value, timestamp } = record;
  const datum = useFlumeEventFormat && value !== null ? readFlumeDatum(value) : undefined;
  const isAsExpected = !useFlumeEventFormat || value === null || datum !== undefined;
  const { headers, withoutValue } = headersOf(record);
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
    const identity = headers.get(IDENTITY_HEADER)?.at(-1);
    for (const [name, texts] of headers) {
      if (name === IDENTITY_HEADER || datum?.headers.has(name) === true) continue;
      for (const [index, text] of texts.entries()) {
        if (index === 0) set(name, text);
        else if (!view.addHeader(name, text)) leftOut++;
      }
    }
    // What it says itself of its origin counts only where nothing else is known of it.
    if (identity !== undefined) {
      view.removeHeader(originHeader);
      set(originHeader, identity);
    }
    // What an event says itself counts more than what its record says, as in Flume's KafkaSource.
    for (const [name, text] of datum?.headers ?? []) if (name !== IDENTITY_HEADER) set(name, text);
    const timeMs = Number(timestamp);
    if (timeMs >= 0) view.eventTimeMs = timeMs;
    if (key !== null) view.key = textOfBytes(key);
    return leftOut;
  };
  return { body: datum?.body ?? value ?? empty, isAsExpected, withoutValue, prepare };
}
