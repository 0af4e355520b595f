import { expect, test } from "bun:test";
import { findSignature, SIGNATURE_BYTES } from "../../../shared/kafka/record-batch/signature.ts";
import { makeSigningKey, readPublicKey, readSigningKey } from "../../../shared/signature/keys.ts";
import { configSchema } from "./config.ts";
import { LaneWorld } from "./testing/lane-world.ts";

const signingKey = makeSigningKey();

function believed() {
  const key = readSigningKey(signingKey);
  const read = key.ok ? readPublicKey(key.value.publicText) : key;
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

test("every batch goes out signed: records, markers, and the parts of one that was too large", async () => {
  const world = new LaneWorld({ signingKey });
  world.put(3, 400);
  world.shed(5);
  world.put(2);
  world.broker.faults = [{ code: 10 }];
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
  const batches = world.broker.batches("driving");
  expect(batches.length).toBeGreaterThan(4);
  const { id, key } = believed();
  for (const batch of batches) {
    const found = findSignature(batch);
    expect([found?.keyId, found?.verifiedBy(key)]).toEqual([id, true]);
  }
});

test("what other agents made is not signed with our key: their names are not ours", async () => {
  const world = new LaneWorld({ signingKey }, { carries: true });
  world.put(3);
  await world.drain();
  expect(world.broker.batches("driving").map(findSignature)).toEqual([undefined]);
});

test("a batch that was answered by nobody is sent again with the same signature, and is in the topic once", async () => {
  const world = new LaneWorld({ signingKey });
  world.put(3);
  world.broker.faults = ["answer_lost", "request_lost"];
  await world.drain();
  expect(world.inTopic).toEqual(world.written);
});

test("without a key nothing is added", async () => {
  const world = new LaneWorld();
  world.put(3);
  await world.drain();
  expect(world.broker.batches("driving").map((batch) => findSignature(batch))).toEqual([undefined]);
});

test("the stored batch is not signed, so that another key may sign it later", async () => {
  const world = new LaneWorld({ signingKey });
  world.put(3);
  const stored = world.reader.next();
  const bytes = stored?.bytes.length ?? 0;
  await world.drain();
  expect(stored?.bytes.length).toBe(bytes);
  expect(world.broker.batches("driving")[0]?.length).toBe(bytes + SIGNATURE_BYTES);
});

test("a key that is none is a mistake of the config, and none of it is shown", () => {
  const read = configSchema().safeParse({ brokers: ["b:1"], topic: "t", signingKey: "top secret" });
  expect(read.success).toBe(false);
  expect(JSON.stringify(read.error)).toContain("not a private key");
  expect(JSON.stringify(read.error)).not.toContain("top secret");
});
