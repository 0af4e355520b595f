/**
 * An event as it stands in the topic, and back. With `parseAsFlumeEvent` a record's value is the Avro datum of Flume's
 * AvroFlumeEvent (a map of text headers, a body of bytes, no schema before it); without it, the value is the body and the
 * headers are the record's. Either way the identity that a record got when it was put travels as a header of the record,
 * which a Flume does not look at.
 */
import { IDENTITY_HEADER, parseIdentity } from "../../../shared/identity/identity.ts";
import type { DecodedHeader } from "../../../shared/kafka/record-batch/records.ts";
import { readFlumeDatum, writeFlumeDatum } from "../../records/flume-datum.ts";

/** The identity that an event had on its way to the topic, under this header: it gets another one from here on. */
export const originHeader = "origin";

/** An event that was taken from the topic. */
export interface TakenEvent {
  readonly offset: number;
  readonly timeMs: number;
  readonly key: string | undefined;
  readonly body: Buffer;
  readonly headerNames: readonly string[];
  readonly headerValues: readonly string[];
}

/** A record as the client hands it out. */
export interface TopicRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>> | undefined;
}

const nothing: Buffer = Buffer.alloc(0);

/** The value of a record with these headers; valid until the next call. */
export function flumeDatum(headers: readonly DecodedHeader[], body: Buffer): Buffer {
  const own = headers.filter(({ name }) => name !== IDENTITY_HEADER);
  return writeFlumeDatum(
    own.map(({ name, value }) => [name, value]),
    body,
  );
}

/** The event of a record; undefined when it is none. */
export function takenEvent(record: TopicRecord, parseAsFlumeEvent: boolean): TakenEvent | undefined {
  const own = lastHeaders(record);
  const origin = own.get(IDENTITY_HEADER);
  const identity = origin === undefined ? undefined : parseIdentity(origin);
  const event = parseAsFlumeEvent ? parsed(record.value) : { headers: own, body: record.value ?? nothing };
  if (event === undefined) return undefined;
  const { headers, body } = event;
  headers.delete(IDENTITY_HEADER);
  if (origin !== undefined) headers.set(originHeader, origin);
  return {
    offset: Number(record.offset),
    // On a topic that keeps the time of the append, the identity knows the event's own.
    timeMs: identity?.eventTimeMs ?? Math.max(0, Number(record.timestamp)),
    key: record.key?.toString("utf8"),
    body,
    headerNames: [...headers.keys()],
    headerValues: [...headers.values()],
  };
}

function parsed(value: Buffer | null): { headers: Map<string, string>; body: Buffer } | undefined {
  const datum = value === null ? undefined : readFlumeDatum(value);
  return datum === undefined ? undefined : { headers: new Map(datum.headers), body: datum.body };
}

/** Of several with one name the last one counts. */
function lastHeaders({ headers = {} }: TopicRecord): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, written] of Object.entries(headers)) {
    const last = Array.isArray(written) ? written.at(-1) : written;
    if (last !== undefined && last !== null) found.set(name, last.toString());
  }
  return found;
}
