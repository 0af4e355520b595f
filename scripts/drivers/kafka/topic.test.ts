import { expect, test } from "bun:test";
import { KcatParser, type TopicRecord } from "./topic.ts";

const mark = "m4rk";

function parse(chunks: readonly Buffer[]): TopicRecord[] {
  const records: TopicRecord[] = [];
  const parser = new KcatParser(mark, (record) => {
    const { key, value } = record;
    records.push({ ...record, key: key && Buffer.from(key), value: value && Buffer.from(value) });
  });
  for (const chunk of chunks) parser.push(chunk);
  parser.end();
  return records;
}

const value = Buffer.from([0x0a, 0x00, 0xff, 0x20, 0x0a]);
const output = Buffer.concat([
  Buffer.from("0 7 1700000000000 3 5\ncar"),
  value,
  Buffer.from(`tg=a/b/c.0/7@1,x=y${mark}\n`),
  Buffer.from(`1 8 -1 -1 0\n${mark}\n`),
]);

test("keys, values of any bytes, headers and nulls come through, however the output is cut", () => {
  for (let cut = 0; cut <= output.length; cut++) {
    const records = parse([output.subarray(0, cut), output.subarray(cut)]);
    expect(records).toEqual([
      {
        partition: 0,
        offset: 7,
        timestampMs: 1_700_000_000_000,
        key: Buffer.from("car"),
        value,
        headers: "tg=a/b/c.0/7@1,x=y",
      },
      { partition: 1, offset: 8, timestampMs: -1, key: null, value: Buffer.alloc(0), headers: "" },
    ]);
  }
});

test("output that ends inside a record is an error, not a shorter topic", () => {
  expect(() => parse([output.subarray(0, output.length - 1)])).toThrow("ended inside record 1");
});

test("output that is not a record is an error", () => {
  expect(() => parse([Buffer.from("% ERROR: something\n")])).toThrow("not a record");
});
