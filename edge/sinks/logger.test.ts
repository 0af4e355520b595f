import { expect, test } from "bun:test";
import { RecordBatchBuilder } from "../../shared/kafka/record-batch/builder.ts";
import type { Lane } from "../core/lane.ts";
import { createComponent, fakeContext } from "../testing/fakes/component.ts";
import { LoggerSink } from "./logger.ts";
import discard from "./null.ts";

const lane: Lane = {
  id: 1,
  channel: "main",
  stream: "driving",
  epoch: "e",
  number: 0,
  group: "t",
  part: undefined,
};

function batch() {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
  builder.begin(7);
  const bytes = Buffer.from("speed=88");
  builder.append(bytes, 0, 8, 1_700_000_000_000, "KA-1", { headerNames: ["area"], headerValues: ["A-7"] });
  builder.append(bytes, 0, 8, 1_700_000_000_001, undefined, { headerNames: [], headerValues: [] });
  return { ...builder.seal(), id: 1, lane, kind: "records" as const, first: 7 };
}

test("logger writes one JSON object an event, cut where it was asked to", async () => {
  let written = "";
  const sink = new LoggerSink({ maxBytesToLog: 5 }, async (text) => {
    written += text;
  });
  expect(await sink.lane({ lane }).deliver(batch(), new AbortController().signal)).toEqual({ kind: "delivered" });
  expect(
    written
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([
    {
      stream: "driving",
      seq: 7,
      time: "2023-11-14T22:13:20.000Z",
      key: "KA-1",
      headers: { area: "A-7" },
      body: "speed",
      cut: true,
    },
    { stream: "driving", seq: 8, time: "2023-11-14T22:13:20.001Z", headers: {}, body: "speed", cut: true },
  ]);
});

test("a batch whose text was not taken is not delivered", async () => {
  const sink = new LoggerSink({ maxBytesToLog: 5 }, () => Promise.reject(new Error("EPIPE")));
  const delivering = sink.lane({ lane }).deliver(batch(), new AbortController().signal);
  expect(delivering).rejects.toThrow("EPIPE");
});

test("null counts what it takes", async () => {
  const sink = createComponent(discard, {}, fakeContext());
  const unused = () => {
    throw new Error("the sink has no business with this");
  };
  const reader = {
    lane,
    mark: undefined,
    seqAtStart: 0,
    next: unused,
    kept: unused,
    readAhead: unused,
    lease: unused,
    acknowledge: unused,
    bury: unused,
    replace: unused,
    session: unused,
    saveSession: unused,
    count: unused,
  };
  await sink.lane(reader).deliver(batch(), new AbortController().signal);
  expect(sink.status()).toEqual({ state: "discarding", events: 2 });
});
