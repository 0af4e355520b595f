import { expect, test } from "bun:test";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { readFlumeDatum } from "../../records/flume-datum.ts";
import { viewOf } from "../../testing/fakes/component.ts";
import { layoutOf } from "./layout.ts";

const config = { topic: "t", topicsMax: 10, partition: "agent", partitionsDefault: 1 } as const;

test("as Flume's events: headers are in the value; key, time and identity stay what they are", () => {
  const { form } = layoutOf({ ...config, useFlumeEventFormat: true });
  const identity = { agent: "gw", epoch: "e", stream: "s", lane: 0 };
  const builder = new RecordBatchBuilder({ compression: "none", identity });
  builder.begin(7);
  const events = [
    { line: "one", headers: { kind: "bus", näme: "wért" }, key: "KA-1" },
    { line: "", headers: {}, key: undefined },
    { line: "x".repeat(100_000), headers: { kind: "tram" }, key: undefined },
  ];
  for (const { line, headers, key } of events) {
    const view = viewOf(line, 1_600_000_000_000);
    for (const [name, value] of Object.entries(headers)) view.setHeader(name, value);
    view.key = key;
    builder.append(form?.(view) ?? view);
  }
  const read = [...decodeRecords(builder.seal().bytes)].map(({ value, key, timeMs, headers }) => {
    const datum = readFlumeDatum(value);
    return {
      line: datum?.body.toString(),
      headers: Object.fromEntries(datum?.headers ?? []),
      key: key?.toString(),
      timeMs,
      ofRecord: headers.map(({ name }) => name),
    };
  });
  expect(read).toEqual(events.map((event) => ({ ...event, timeMs: 1_600_000_000_000, ofRecord: ["tg"] })));
});

test("a sink that wants them so does not share a channel with one that does not", () => {
  expect(layoutOf({ ...config, useFlumeEventFormat: true }).text).not.toBe(layoutOf(config).text);
  expect(layoutOf(config).form).toBeUndefined();
});
