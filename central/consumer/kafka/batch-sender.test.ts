import { expect, test } from "bun:test";
import { formatIdentity, IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { SIGNATURE_BYTES } from "../../../shared/kafka/record-batch/signature.ts";
import { signedBatch } from "../../../shared/kafka/testing/signed-batch.ts";
import { parseKeyList } from "../../../shared/signature/key-list.ts";
import { makeSigningKey, readSigningKey, type SigningKey } from "../../../shared/signature/keys.ts";
import { ArrivalBuilder } from "./arrival.ts";
import { BatchGate } from "./batch-gate.ts";
import { batchSender } from "./batch-sender.ts";
import { decodeBatch } from "./decode-batch.ts";

function made(): SigningKey {
  const read = readSigningKey(makeSigningKey());
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

const [gateway, before, other] = [made(), made(), made()];
const { keys } = parseKeyList(`gw-1 ${before.publicText}\ngw-1 ${gateway.publicText}\ngw-2 ${other.publicText}\n`);

function batch(values: readonly string[], agent: string | null = "gw-1") {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
  builder.begin(0);
  values.forEach((value, seq) => {
    const bytes = Buffer.from(value);
    const lane = { agent: agent ?? "", epoch: "e1", stream: "s", lane: 0 };
    const identity = formatIdentity({
      ...lane,
      kind: "record",
      first: seq,
      last: seq,
      reason: undefined,
      eventTimeMs: 1,
    });
    const headers = agent === null ? [] : [IDENTITY_HEADER];
    const texts = agent === null ? [] : [identity];
    builder.append({
      buffer: bytes,
      start: 0,
      end: bytes.length,
      eventTimeMs: 1,
      key: undefined,
      headerNames: headers,
      headerValues: texts,
    });
  });
  return builder.seal();
}

function senderOf(bytes: Buffer) {
  const [frame] = splitBatches(bytes);
  if (frame === undefined) throw new Error("no batch");
  return batchSender(frame.bytes, decodeBatch(frame), keys);
}

test("each of an agent's keys is believed, and no other agent's", () => {
  for (const key of [gateway, before]) {
    expect(senderOf(signedBatch(batch(["a", "b"]), key))).toEqual({
      kind: "signed",
      agent: "gw-1",
      keyId: key.id.toString("hex"),
    });
  }
  expect(senderOf(signedBatch(batch(["a"]), other))).toMatchObject({ kind: "wrong", agent: "gw-1" });
  expect(senderOf(signedBatch(batch(["a"]), made()))).toMatchObject({ kind: "wrong", agent: "gw-1" });
});

test("a signature that was moved is wrong; none is none", () => {
  const signed = signedBatch(batch(["a", "b"]), gateway);
  const plain = batch(["a", "c"]).bytes;
  const moved = Buffer.concat([plain, signed.subarray(-SIGNATURE_BYTES)]);
  moved.writeInt32BE(moved.length - 12, 8);
  const [frame] = splitBatches(moved);
  if (frame === undefined) throw new Error("no batch");
  const block = decodeBatch({ ...frame, bytes: plain });
  expect(batchSender(frame.bytes, block, keys)).toMatchObject({ kind: "wrong", agent: "gw-1" });
  expect(senderOf(plain)).toEqual({ kind: "unsigned", agent: "gw-1" });
});

test("a batch of somebody else's has no agent, so there is nothing to look at", () => {
  expect(senderOf(signedBatch(batch(["a"], null), gateway))).toEqual({ kind: "unchecked" });
  expect(senderOf(batch(["a"], "x".repeat(600)).bytes)).toEqual({ kind: "unchecked" });
});

test("arrivals carry it, when signatures are looked at", () => {
  const bytes = signedBatch(batch(["a"]), gateway);
  expect(bytes.length).toBeGreaterThan(HEADER_BYTES);
  const place = {
    topic: "t",
    partition: 0,
    errorCode: 0,
    highWatermark: 1,
    endOffset: 1,
    logStartOffset: 0,
    aborted: [],
  };
  const raw = { ...place, frames: splitBatches(bytes) };
  expect(new ArrivalBuilder(() => keys).build(raw)?.blocks[0]?.sender.kind).toBe("signed");
  expect(new ArrivalBuilder().build(raw)?.blocks[0]?.sender.kind).toBe("unchecked");
});

test("of an agent that is turned away nothing is read but the signature, and only what it signed itself", () => {
  const turnedAway = new Map([["gw-1", "too much of it"]]);
  const gate = new BatchGate(
    () => keys,
    () => turnedAway,
  );
  const mine = signedBatch(batch(["a", "b"]), gateway);
  const forged = signedBatch(batch(["a"]), other);
  expect(gate.refusal(mine)).toBe("too much of it");
  expect(gate.refusal(forged)).toBeUndefined();
  expect(gate.refusal(batch(["a"]).bytes)).toBeUndefined();
  const changed = Buffer.from(mine);
  changed.writeInt32BE(7, at.recordCount);
  expect(gate.refusal(changed)).toBeUndefined();

  const numbered = [mine, Buffer.from(mine), forged, Buffer.from(mine)].map((bytes, index) => {
    bytes.writeBigInt64BE(BigInt(index * 10), at.baseOffset);
    return bytes;
  });
  const place = {
    topic: "t",
    partition: 0,
    errorCode: 0,
    highWatermark: 9,
    endOffset: 9,
    logStartOffset: 0,
    aborted: [],
  };
  const arrival = new ArrivalBuilder(() => keys, gate).build({
    ...place,
    frames: splitBatches(Buffer.concat(numbered)),
  });
  expect(arrival?.blocks.map(({ sender }) => sender.kind)).toEqual(["wrong"]);
  expect(arrival?.damaged.map(({ firstOffset, lastOffset, reason }) => [firstOffset, lastOffset, reason])).toEqual([
    [0, 1, "too much of it"],
    [10, 11, "too much of it"],
    [30, 31, "too much of it"],
  ]);
  turnedAway.clear();
  expect(gate.refusal(mine)).toBeUndefined();
});
