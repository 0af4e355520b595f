/**
 * An event as the value of a Kafka record, as Flume writes and reads it: the Avro datum of its AvroFlumeEvent (a map of text
 * headers, a body of bytes), with no schema before it. So write Flume's KafkaChannel with `parseAsFlumeEvent`, and its KafkaSink
 * and KafkaSource with `useFlumeEventFormat`.
 */
import { AvroMistake, AvroReader, AvroWriter } from "../../shared/avro-rpc/binary.ts";
import { readEvent, writeEvent } from "../../shared/avro-rpc/flume-events.ts";

/** An event that was read from a datum. Its body is a slice of it. */
export interface FlumeDatum {
  readonly headers: Map<string, string>;
  readonly body: Buffer;
}

const writer = new AvroWriter();

/** The datum of an event; valid until the next call. Of several headers with one name the last one counts. */
export function writeFlumeDatum(headers: Iterable<readonly [string, string | Uint8Array]>, body: Uint8Array): Buffer {
  writer.clear();
  writeEvent(writer, new Map(headers), body);
  return writer.written;
}

/** The event of a datum; undefined when it is none, or more than one. */
export function readFlumeDatum(value: Buffer): FlumeDatum | undefined {
  try {
    const reader = new AvroReader(value);
    const { headers, body } = readEvent(reader);
    if (reader.rest.length > 0) return undefined;
    return { headers: new Map(Object.entries(headers)), body };
  } catch (thrown) {
    if (thrown instanceof AvroMistake) return undefined;
    throw thrown;
  }
}
