import { describe, expect, test } from "bun:test";
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { at as field, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { signedBatch } from "../../../shared/kafka/testing/signed-batch.ts";
import { parseKeyList } from "../../../shared/signature/key-list.ts";
import { makeSigningKey, readSigningKey } from "../../../shared/signature/keys.ts";
import { mendCrc } from "../../testing/batches.ts";
import { relayBatch } from "../../testing/relay-batch.ts";
import { type BodyRules, readRelayedBody } from "./relayed-body.ts";

const anybody: BodyRules = { mayName: undefined, keys: undefined };
const code = (body: Buffer, rules = anybody) => {
  try {
    readRelayedBody(body, rules);
    return "taken";
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown ? thrown.code : thrown;
  }
};

test("reads the batches of a lane one after the other, a block each", () => {
  const body = Buffer.concat([relayBatch({ first: 0, count: 3 }), relayBatch({ first: 3, count: 2 })]);
  const blocks = readRelayedBody(body, anybody);
  expect(blocks.map(({ count }) => count)).toEqual([3, 2]);
  expect(readRelayedBody(Buffer.alloc(0), anybody)).toEqual([]);
});

test("a marker is one of the lane's records", () => {
  const marker = relayBatch({ first: 5, count: 1, identity: () => "gw1/e1/drive.0/5-9!overflow@1790000000000" });
  expect(code(Buffer.concat([relayBatch({ first: 0, count: 5 }), marker]))).toBe("taken");
});

describe("refuses for good", () => {
  const whole = relayBatch({ first: 0, count: 3 });
  const changed = (at: number) => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    return bytes;
  };
  const control = Buffer.from(whole);
  control.writeInt16BE(control.readInt16BE(field.attributes) | 32, field.attributes);
  mendCrc(control);
  const noRecords = Buffer.concat([whole.subarray(0, HEADER_BYTES), Bun.zstdCompressSync(Buffer.alloc(0))]);
  noRecords.writeInt32BE(noRecords.length - field.partitionLeaderEpoch, field.batchLength);
  noRecords.writeInt32BE(0, field.recordCount);
  mendCrc(noRecords);
  const identities = (...texts: readonly (string | undefined)[]) =>
    relayBatch({ first: 0, count: texts.length, identity: (seq) => texts[seq] });

  test.each([
    ["garbage", Buffer.from("garbage ".repeat(100))],
    ["a byte that was changed on the way", changed(whole.length - 3)],
    ["a batch cut off", whole.subarray(0, whole.length - 1)],
    ["what stands after the last batch", Buffer.concat([whole, Buffer.from([0])])],
    ["a second batch cut off", Buffer.concat([whole, whole.subarray(0, 40)])],
    ["a batch of a format before identities", changed(field.magic)],
    ["a control batch", control],
    ["a batch without records", noRecords],
    ["records without an identity", identities(undefined)],
    ["one among others", identities("gw1/e1/drive.0/0@1", undefined)],
    ["another header's text", identities("not one of ours")],
    ["a number that is none, where the lane is right", identities("gw1/e1/drive.0/0@1", "gw1/e1/drive.0/x@1")],
    ["no number at all", identities("gw1/e1/drive.0/0@1", "gw1/e1/drive.0/")],
    ["a time cut off", identities("gw1/e1/drive.0/0@1", "gw1/e1/drive.0/1@")],
    ["another agent's record among others", identities("gw1/e1/drive.0/0@1", "gw2/e1/drive.0/1@1")],
    ["another lane's", Buffer.concat([whole, relayBatch({ first: 0, count: 1, lane: 1 })])],
    ["an identity of 100 KB", identities(`gw1/e1/${"x".repeat(100_000)}.0/0@1`)],
  ])("%s", (_, body) => {
    expect(code(body)).toBe("CENTRAL_RELAY_CONTENT");
  });

  test("whatever is cut out of a body: never anything else than taken or refused", () => {
    for (let end = 0; end <= whole.length; end++) {
      expect(["taken", "CENTRAL_RELAY_CONTENT"]).toContain(String(code(whole.subarray(0, end))));
    }
    expect(code(whole.subarray(0, 0))).toBe("taken");
  });

  test("any byte changed: taken (the header's own words, which nobody reads) or refused", () => {
    for (let index = 0; index < whole.length; index++) {
      expect(["taken", "CENTRAL_RELAY_CONTENT"]).toContain(String(code(changed(index))));
    }
  });

  test("a body that decompresses to more than may be in memory", () => {
    const large = relayBatch({ first: 0, count: 40, value: () => "x".repeat(1024 * 1024) });
    const more = relayBatch({ first: 40, count: 40, value: () => "x".repeat(1024 * 1024) });
    expect(large.length + more.length).toBeLessThan(1024 * 1024);
    expect(code(Buffer.concat([large, more]))).toBe("CENTRAL_RELAY_TOO_LARGE");
  });

  test("an agent that the key is not for", () => {
    const rules = { ...anybody, mayName: (agent: string) => agent === "gw2" };
    expect(code(whole, rules)).toBe("CENTRAL_RELAY_AGENT");
    expect(code(relayBatch({ first: 0, count: 1, agent: "gw2" }), rules)).toBe("taken");
  });
});

test("signatures are looked at as on the way over Kafka", () => {
  const made = () => {
    const read = readSigningKey(makeSigningKey());
    if (!read.ok) throw new Error(read.message);
    return read.value;
  };
  const [own, other] = [made(), made()];
  const rules = { ...anybody, keys: parseKeyList(`gw1 ${own.publicText}`).keys };
  const plain = relayBatch({ first: 0, count: 2 });
  const batch = { bytes: plain, recordsCrc: crc32c(plain, HEADER_BYTES) };
  const kinds = (body: Buffer) => readRelayedBody(body, rules).map(({ sender }) => sender.kind);
  expect(kinds(Buffer.concat([signedBatch(batch, own), plain]))).toEqual(["signed", "unsigned"]);
  expect(kinds(signedBatch(batch, other))).toEqual(["wrong"]);
  expect(readRelayedBody(plain, anybody)[0]?.sender.kind).toBe("unchecked");
});
