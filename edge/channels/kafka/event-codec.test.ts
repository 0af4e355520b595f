import { describe, expect, test } from "bun:test";
import { lanePrefix } from "../../../shared/identity/identity.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { makeBatch, spec } from "../../testing/contracts/batches.ts";
import { flumeDatum, takenEvent } from "./event-codec.ts";
import { outgoingParts } from "./outgoing.ts";
import { partitionOf } from "./partition-choice.ts";

const record = { offset: "7", timestamp: "1700000000000", key: Buffer.from("KA-1"), value: Buffer.alloc(0) };
const header = (name: string, value: string) => ({ name, value: Buffer.from(value) });

describe("an event as a Flume writes it", () => {
  // Avro by hand: one entry in the map, its name and value with their lengths doubled (zigzag), the map's end, the body.
  const datum = Buffer.concat([
    Buffer.from([2, 8]),
    Buffer.from("kind"),
    Buffer.from([8]),
    Buffer.from("für"),
    Buffer.from([0, 6, 0, 255, 10]),
  ]);

  test("is written so", () => {
    const written = flumeDatum([header("kind", "für"), header("tg", "never")], Buffer.from([0, 255, 10]));
    expect(written.toString("hex")).toBe(datum.toString("hex"));
    expect(flumeDatum([], Buffer.from("x")).toString("hex")).toBe("000278");
  });

  test("is read so, with key and time", () => {
    const event = takenEvent({ ...record, value: datum }, true);
    expect(event).toEqual({
      offset: 7,
      timeMs: 1_700_000_000_000,
      key: "KA-1",
      body: Buffer.from([0, 255, 10]),
      headerNames: ["kind"],
      headerValues: ["für"],
    });
  });

  test.each([
    ["no value", null],
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("a line")],
    ["cut off", datum.subarray(0, -1)],
    ["more than one", Buffer.concat([datum, Buffer.from("x")])],
  ])("%s is none", (_, value) => {
    expect(takenEvent({ ...record, value }, true)).toBeUndefined();
  });
});

test("without Flume's format the value is the body, the headers are the record's, and the identity is the origin", () => {
  const identity = `${lanePrefix({ agent: "gw", epoch: "e", stream: "s", lane: 0 })}5@1600000000000`;
  const headers = { a: [Buffer.from("1"), "2"], tg: Buffer.from(identity), none: undefined };
  expect(takenEvent({ ...record, value: Buffer.from("body"), headers }, false)).toEqual({
    offset: 7,
    // The event's own: the record's may be the time of the append.
    timeMs: 1_600_000_000_000,
    key: "KA-1",
    body: Buffer.from("body"),
    headerNames: ["a", "a", "origin"],
    headerValues: ["1", "2", identity],
  });
});

describe("a batch on its way", () => {
  const lane = { ...spec, id: 1, epoch: "e", number: 0 };

  test.each([true, false])("comes out as it went in, divided or not (Flume's format %p)", (parseAsFlumeEvent) => {
    const batch = makeBatch(lane, 0, 40, 4_000, seededRandom(5));
    const before = [...decodeRecords(batch.bytes)];
    let turn = 0;
    const rules = { parseAsFlumeEvent, compression: "zstd" as const };
    const parts = outgoingParts(batch, { ...rules, partitionOf: () => turn++ % 3 });
    expect(parts.map(({ partition, batch: part }) => [partition, part.count])).toEqual([
      [0, 14],
      [1, 13],
      [2, 13],
    ]);
    const after = parts.flatMap(({ partition, batch: part }) =>
      [...decodeRecords(part.bytes)].map((each, index) => ({ at: partition + 3 * index, each })),
    );
    for (const { at, each } of after) {
      const headers = Object.fromEntries(each.headers.map(({ name, value }) => [name, value]));
      const event = takenEvent(
        { ...record, value: each.value, timestamp: String(each.timeMs), headers },
        parseAsFlumeEvent,
      );
      const [was] = before.slice(at, at + 1);
      expect(event?.body).toEqual(was?.value as Buffer);
      expect(event?.timeMs).toBe(was?.timeMs ?? -1);
      expect(event?.headerValues).toEqual([was?.headers[0]?.value.toString() ?? ""]);
    }
  });
});

describe("which partition", () => {
  const rules = { agent: "gw-1", partitionIdHeader: "to", defaultPartitionId: 3 };
  const event = (key: string | undefined, ...headers: ReturnType<typeof header>[]) => ({
    offsetDelta: 0,
    timeMs: 0,
    key: key === undefined ? undefined : Buffer.from(key),
    value: Buffer.alloc(0),
    headers,
  });
  // Kafka's own partitions of these keys (BuiltInPartitioner): murmur2.test.ts has where they come from.
  test.each([
    ["a header counts first", event("k", header("to", "5")), rules, 8, 5, 0],
    ["then the default", event("k"), rules, 8, 3, 0],
    ["a number that is not there", event(undefined, header("to", "8")), rules, 8, undefined, 1],
    ["no number", event(undefined, header("to", "x")), rules, 8, undefined, 1],
    ["a default that is not there", event(undefined), rules, 2, undefined, 1],
  ] as const)("%s", (_, given, by, partitions, expected, unknown) => {
    let counted = 0;
    const own = { ...by, defaultPartitionId: undefined, partitionIdHeader: undefined };
    const found = partitionOf(given, partitions, by, () => counted++);
    expect([found, counted]).toEqual([expected ?? partitionOf(given, partitions, own, () => counted++), unknown]);
  });

  test("a key keeps its partition, Flume's header `key` is one, and without any the agent's name decides", () => {
    const none = { agent: "gw-1", partitionIdHeader: undefined, defaultPartitionId: undefined };
    const at = (given: ReturnType<typeof event>) => partitionOf(given, 64, none, () => expect.unreachable());
    expect(at(event(undefined, header("key", "KA-1")))).toBe(at(event("KA-1")));
    expect(at(event(undefined))).toBe(at(event("gw-1")));
  });
});
