/**
 * An event as it stands in the topic, and back. With `parseAsFlumeEvent` a record's value is the Avro datum of Flume's
 * AvroFlumeEvent (a map of text headers, a body of bytes, no schema before it); without it, the value is the body and the
 * headers are the record's. Either way the identity that a record got when it was put travels as a header of the record,
 * which a Flume does not look at.
 */
import { IDENTITY_HEADER, parseIdentity } from "../../../shared/identity/identity.ts";
import { textOfBytes } from "../../../shared/kafka/record-batch/byte-text.ts";
import type { DecodedHeader } from "../../../shared/kafka/record-batch/records.ts";
import { readFlumeDatum, writeFlumeDatum } from "../../records/flume-datum.ts";
import { headersOf, type KafkaRecord, originHeader } from "../../records/kafka-record.ts";

/** An event that was taken from the topic. */
export interface TakenEvent {
  readonly offset: number;
  readonly timeMs: number;
  readonly key: string | undefined;
  readonly body: Buffer;
  readonly headerNames: readonly string[];
  readonly headerValues: readonly string[];
}

const nothing: Buffer = Buffer.alloc(0);

/** The value of a record with these headers; valid until the next call. */
export function flumeDatum(headers: readonly DecodedHeader[], body: Buffer): Buffer {
  const own = headers.flatMap(({ name, value }) => (name === IDENTITY_HEADER ? [] : [[name, value] as const]));
  return writeFlumeDatum(own, body);
}

/** The event of a record; undefined when it is none. */
export function takenEvent(record: KafkaRecord, parseAsFlumeEvent: boolean): TakenEvent | undefined {
  const { headers: own } = headersOf(record);
  const origin = own.get(IDENTITY_HEADER)?.at(-1);
  const identity = origin === undefined ? undefined : parseIdentity(origin);
  const { value } = record;
  const event = parseAsFlumeEvent ? value && readFlumeDatum(value) : { headers: own, body: value ?? nothing };
  if (event === undefined || event === null) return undefined;
  const { body } = event;
  const headers: (readonly [string, string])[] = [];
  for (const [name, written] of event.headers) {
    if (name === IDENTITY_HEADER || (name === originHeader && origin !== undefined)) continue;
    for (const text of typeof written === "string" ? [written] : written) headers.push([name, text]);
  }
  if (origin !== undefined) headers.push([originHeader, origin]);
  return {
    offset: Number(record.offset),
    // On a topic that keeps the time of the append, the identity knows the event's own.
    timeMs: identity?.eventTimeMs ?? Math.max(0, Number(record.timestamp)),
    key: record.key === null ? undefined : textOfBytes(record.key),
    body,
    headerNames: headers.map(([name]) => name),
    headerValues: headers.map(([, text]) => text),
  };
}
