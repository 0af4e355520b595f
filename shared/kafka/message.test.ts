import { describe, expect, test } from "bun:test";
import { isFlexible, versionFor } from "./message.ts";
import { describeProducersMessage } from "./messages/describe-producers.ts";
import { readFetchAnswer, readLogMessage } from "./messages/fetch.ts";
import { initProducerIdMessage } from "./messages/init-producer-id.ts";
import { metadataMessage } from "./messages/metadata.ts";
import { produceMessage } from "./messages/produce.ts";
import { topicIdsMessage } from "./messages/topic-ids.ts";
import { WireReader, WireWriter } from "./wire.ts";

const has = (apiKey: number, minVersion: number, maxVersion: number) => ({ [apiKey]: { minVersion, maxVersion } });

function bodyOf(write: (to: WireWriter) => void): Buffer {
  const to = new WireWriter();
  write(to);
  return Buffer.from(to.written);
}

describe("the version that is spoken", () => {
  test.each([
    ["both speak all of ours", 0, 6, 4],
    ["the broker is older", 0, 1, 1],
    ["the broker has dropped the old ones", 3, 9, 4],
    ["the broker is newer than we are", 5, 9, undefined],
  ] as const)("%s", (_, min, max, version) => {
    expect(versionFor(initProducerIdMessage, has(22, min, max))).toBe(version);
  });

  test("none of a request that the broker does not have", () => {
    expect(versionFor(describeProducersMessage("t", 0), has(22, 0, 6))).toBeUndefined();
  });
});

describe("InitProducerId", () => {
  test("before version 2: a null text and a timeout", () => {
    expect(isFlexible(initProducerIdMessage, 1)).toBe(false);
    expect(bodyOf((to) => initProducerIdMessage.write(to, 1)).toString("hex")).toBe("ffff0000ea60");
  });

  test("from version 3 on: compact, with no id of ours, and tags", () => {
    expect(isFlexible(initProducerIdMessage, 3)).toBe(true);
    const expected = `00${"0000ea60"}${"ff".repeat(8)}${"ffff"}00`;
    for (const version of [3, 4]) {
      expect(bodyOf((to) => initProducerIdMessage.write(to, version)).toString("hex")).toBe(expected);
    }
  });

  test("a refusal is an answer", () => {
    const answer = bodyOf((to) => void to.int32(0).int16(-1).int64(-1).int16(-1));
    expect(initProducerIdMessage.read(new WireReader(answer), 1)).toEqual({ errorCode: -1 });
  });
});

describe("Metadata for topic ids", () => {
  const message = topicIdsMessage(["driving", "gone"]);

  test("asks by name, creates nothing, in the versions that have ids", () => {
    const topics = `03${"00".repeat(16)}08${Buffer.from("driving").toString("hex")}00${"00".repeat(16)}05${Buffer.from("gone").toString("hex")}00`;
    expect(isFlexible(message, 10)).toBe(true);
    expect(bodyOf((to) => message.write(to, 10)).toString("hex")).toBe(`${topics}00000000`);
    expect(bodyOf((to) => message.write(to, 12)).toString("hex")).toBe(`${topics}000000`);
    expect(versionFor(message, has(3, 0, 9))).toBeUndefined();
  });

  test.each([10, 12])("version %d: an id as Kafka's tools print it; no topic, or no id, is left out", (version) => {
    const answer = bodyOf((to) => {
      to.int32(0).uvarint(2).int32(7).compactString("kafka-7").int32(9092).compactString(null).tags();
      to.compactString("c1").int32(7).uvarint(4);
      for (const [name, errorCode, id] of [
        ["driving", 0, 0x0102030405060708n],
        ["gone", 3, 0n],
        ["no-id", 0, 0n],
      ] as const) {
        to.int16(errorCode).compactString(name).int64(id).int64(id).int8(0).uvarint(2);
        to.int16(0).int32(0).int32(7).int32(1).uvarint(2).int32(7).uvarint(2).int32(7).uvarint(1).tags();
        to.int32(-1).tags();
      }
      if (version === 10) to.int32(-1);
      to.tags();
    });
    expect([...message.read(new WireReader(answer), version)]).toEqual([["driving", "AQIDBAUGBwgBAgMEBQYHCA"]]);
  });
});

describe("Metadata", () => {
  const answer = (version: number) =>
    new WireReader(
      bodyOf((to) => {
        to.int32(0).list([7], (id) => void to.int32(id).string("kafka-7").int32(9092).string(null));
        to.string("c1")
          .int32(7)
          .list(["driving"], (topic) => {
            to.int16(0)
              .string(topic)
              .int8(0)
              .list([1, 0], (partition) => {
                to.int16(0)
                  .int32(partition)
                  .int32(partition === 0 ? 7 : -1);
                if (version >= 7) to.int32(40 + partition);
                for (const ids of [[7, 8], [7], []]) to.list(ids, (id) => to.int32(id));
              });
            if (version >= 8) to.int32(16);
          });
      }),
    );

  test("says leaders and replicas in every version, epochs from 7 on, operations from 8 on", () => {
    const node = { clusterId: "c1", nodeId: 7, host: "kafka-7", port: 9092 };
    const known = { clusterId: "c1", errorCode: 0, leaders: [node, undefined], replicas: [2, 2] };
    const read = (version: number) => metadataMessage("driving").read(answer(version), version);
    expect(read(5).topic).toEqual({ ...known, leaderEpochs: [-1, -1], operations: undefined });
    expect(read(7).topic).toEqual({ ...known, leaderEpochs: [40, 41], operations: undefined });
    expect(read(8)).toEqual({
      clusterId: "c1",
      nodes: [node],
      controller: node,
      topic: { ...known, leaderEpochs: [40, 41], operations: 16 },
    });
  });
});

describe("Produce", () => {
  test("reads an answer per batch, in the order of the request, also where version 8 says more", () => {
    const batches = [1, 0].map((partition) => ({ topic: "t", partition, bytes: Buffer.from("b") }));
    for (const version of [7, 8]) {
      const answer = bodyOf((to) => {
        to.list(["t"], (topic) =>
          to.string(topic).list([0, 1], (partition) => {
            to.int32(partition)
              .int16(partition === 1 ? 87 : 0)
              .int64(5 + partition)
              .int64(-1)
              .int64(0);
            if (version >= 8) to.list([0], (index) => to.int32(index).string("why")).string("because");
          }),
        );
        to.int32(3);
      });
      expect(produceMessage(batches, 1_000).read(new WireReader(answer), version)).toEqual([
        { errorCode: 87, baseOffset: 6, appendTimeMs: -1, throttleMs: 3 },
        { errorCode: 0, baseOffset: 5, appendTimeMs: -1, throttleMs: 3 },
      ]);
    }
  });
});

describe("Fetch", () => {
  test.each([4, 5, 7, 10, 11])("version %i is read whole", (version) => {
    const records = Buffer.from("records");
    const answer = bodyOf((to) => {
      to.int32(9);
      if (version >= 7) to.int16(0).int32(77);
      to.list(["t"], (topic) =>
        to.string(topic).list([2], (partition) => {
          to.int32(partition).int16(0).int64(30).int64(20);
          if (version >= 5) to.int64(10);
          to.list([4], (id) => to.int64(id).int64(15));
          if (version >= 11) to.int32(6);
          to.bytes(records);
        }),
      );
    });
    expect(readFetchAnswer(new WireReader(answer), version)).toEqual({
      throttleMs: 9,
      errorCode: 0,
      sessionId: version >= 7 ? 77 : 0,
      topics: [
        {
          topic: "t",
          partitions: [
            {
              partition: 2,
              errorCode: 0,
              highWatermark: 30,
              lastStableOffset: 20,
              logStartOffset: version >= 5 ? 10 : -1,
              aborted: [{ producerId: 4n, firstOffset: 15 }],
              preferredReadReplica: version >= 11 ? 6 : -1,
              records,
            },
          ],
        },
      ],
    });
  });

  test("an error of the whole request is the partition's", () => {
    const answer = bodyOf(
      (to) =>
        void to
          .int32(0)
          .int16(70)
          .int32(0)
          .list([], () => {}),
    );
    expect(readLogMessage("t", 0, 0).read(new WireReader(answer), 11)).toMatchObject({ errorCode: 70 });
  });
});
