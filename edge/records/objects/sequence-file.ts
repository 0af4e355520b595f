/**
 * Hadoop's SequenceFile, version 6, uncompressed: what Flume's HDFS sink writes by default. The key is the event's time
 * (LongWritable), the value its body (BytesWritable, or Text as with `writeFormat = Text`).
 */
import { createHash } from "node:crypto";
import type { SinkRecord } from "../record-destination.ts";
import type { ObjectFormat } from "./object-format.ts";

const keyClass = "org.apache.hadoop.io.LongWritable";
const valueClasses = { writable: "org.apache.hadoop.io.BytesWritable", text: "org.apache.hadoop.io.Text" } as const;

/** A sync marker before each piece but the first: readers that begin in the middle find the next record by it. */
export function sequenceFile(value: keyof typeof valueClasses): ObjectFormat {
  return {
    extension: ".seq",
    begin: (name) => {
      const sync = createHash("md5").update(name).digest();
      let begun = false;
      const mark = () => {
        if (begun) return Buffer.concat([int(-1), sync]);
        begun = true;
        // Neither the records nor blocks of them are compressed; no metadata.
        const header = [
          Buffer.from("SEQ\u0006", "latin1"),
          text(keyClass),
          text(valueClasses[value]),
          Buffer.from([0, 0]),
          int(0),
        ];
        return Buffer.concat([...header, sync]);
      };
      return {
        records: (records) => Buffer.concat([mark(), ...records.map((record) => recordOf(record, value))]),
        end: () => (begun ? Buffer.alloc(0) : mark()),
      };
    },
  };
}

function recordOf({ timeMs, body }: SinkRecord, value: keyof typeof valueClasses): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(BigInt(Math.trunc(timeMs)));
  const content = Buffer.concat([value === "text" ? vint(body.length) : int(body.length), body]);
  return Buffer.concat([int(key.length + content.length), int(key.length), key, content]);
}

function text(value: string): Buffer {
  return Buffer.concat([vint(value.length), Buffer.from(value)]);
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** As WritableUtils.writeVInt writes what is not negative. */
function vint(value: number): Buffer {
  if (value <= 127) return Buffer.from([value]);
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([256 - 112 - bytes.length, ...bytes]);
}
