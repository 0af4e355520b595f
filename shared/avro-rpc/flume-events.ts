/** Flume's event in Avro: a map of text headers, and a body of bytes. */
import type { AvroReader, AvroWriter } from "./binary.ts";

/** One event. */
export interface FlumeEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Headers of one event; more are a mistake. */
const headersMax = 10_000;

/** As an assignment makes it: the last of two equal names counts. */
const plain = { enumerable: true, writable: true, configurable: true };

/** Reads one event; its body is a slice of what is read. @throws AvroMistake. */
export function readEvent(reader: AvroReader): FlumeEvent {
  const headers: Record<string, string> = {};
  reader.items(headersMax, () => {
    const name = reader.string();
    const value = reader.string();
    // A header called __proto__ is a header like any other.
    if (name === "__proto__") Object.defineProperty(headers, name, { value, ...plain });
    else headers[name] = value;
  });
  return { headers, body: reader.bytes() };
}

/** Reads a list of events. @throws AvroMistake. */
export function readEvents(reader: AvroReader, eventsMax: number): readonly FlumeEvent[] {
  const events: FlumeEvent[] = [];
  reader.items(eventsMax, () => {
    events.push(readEvent(reader));
  });
  return events;
}

/** Writes one event; the last of two equal names counts, as in a map. */
export function writeEvent(
  writer: AvroWriter,
  headers: ReadonlyMap<string, string | Uint8Array>,
  body: Uint8Array,
): void {
  if (headers.size > 0) {
    writer.long(headers.size);
    for (const [name, value] of headers) {
      writer.string(name);
      if (typeof value === "string") writer.string(value);
      else writer.bytes(value);
    }
  }
  writer.long(0).bytes(body);
}
