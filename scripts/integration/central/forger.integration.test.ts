/**
 * Who may say what, on a real broker: a gateway that signs by its real sink, and a forger who may write to the same topic
 * and read it. The forger names the gateway, signs with a key of its own, copies the gateway's batches, changes them, and
 * sends them again. kcat reads what is signed like everything else.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { testBatch, testLane } from "../../../edge/testing/fakes/test-batches.ts";
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at, HEADER_BYTES, stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { findSignature, SIGNATURE_BYTES } from "../../../shared/kafka/record-batch/signature.ts";
import { signedBatch } from "../../../shared/kafka/testing/signed-batch.ts";
import { makeSigningKey, readSigningKey, type SigningKey } from "../../../shared/signature/keys.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { RealWorld } from "../edge/real-world.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

function keyOf(pem: string): SigningKey {
  const read = readSigningKey(pem);
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

const nobody = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

/** Puts a ready batch into the partition, as no honest program would. */
async function send(world: RealWorld, bytes: Buffer): Promise<void> {
  bytes.writeBigInt64BE(0n, at.baseOffset); // a broker takes no other one
  stampBatch(bytes, crc32c(bytes, HEADER_BYTES), nobody);
  const [node] = (await world.link.topic(world.topic)).leaders;
  if (node === undefined) throw new Error("no leader");
  const [answer] = await world.link.produce(node, [{ topic: world.topic, partition: 0, bytes }]);
  expect(answer?.errorCode).toBe(0);
}

/** The batches as they stand in the log: a fetch ends with its segment, and old times begin one. */
async function batchesOf(world: RealWorld): Promise<Buffer[]> {
  const [node] = (await world.link.topic(world.topic)).leaders;
  if (node === undefined) throw new Error("no leader");
  const batches: Buffer[] = [];
  for (let next = 0; ; ) {
    const frames = splitBatches((await world.link.readLog(node, world.topic, 0, next)).bytes);
    const last = frames.at(-1);
    if (last === undefined) return batches;
    next = last.lastOffset + 1;
    batches.push(...frames.map(({ bytes }) => Buffer.from(bytes)));
  }
}

/** Batches that name the gateway, with other records than its own under its numbers. */
const forged = (first: number, count = 3) => testBatch(testLane("x"), { first, count, timeMs: 1_600_000_000_000 });

async function setUp(topic: string) {
  const dir = tempDir("tailgate-forger-");
  await createTopic(broker.internalAddress, topic);
  const [gateway, forger] = [makeSigningKey(), makeSigningKey()];
  const world = new RealWorld(topic, { brokers: [broker.address], signingKey: gateway });
  const keys = dir.file("fleet.keys");
  writeFileSync(keys, `gw-1 ${keyOf(gateway).publicText}\ngw-evil ${keyOf(forger).publicText}\n`);
  const start = (environment: Readonly<Record<string, string>>, store = "central.db") =>
    launchCentral({
      brokers: broker.address,
      topics: [topic],
      group: `${topic}-${store}`,
      store: dir.file(store),
      environment,
    });
  return { dir, world, gateway, keys, forger: keyOf(forger), start };
}

test("signed batches are in the topic byte by byte, as kcat reads it", async () => {
  const { dir, world } = await setUp("signed-bytes");
  for (const compression of ["none", "gzip", "zstd"] as const) world.put(50, { compression, valueBytes: 200 });
  expect(await world.drain()).toBe("idle");
  expect(await world.inTopic(broker.internalAddress)).toEqual(world.written);
  world[Symbol.dispose]();
  dir[Symbol.dispose]();
}, 30_000);

test("required: nothing that a forger says counts, and what the gateway says does, under an old key and a new one", async () => {
  const { dir, world, gateway, keys, forger, start } = await setUp("forged");
  // Claimed in advance, before the gateway has said anything.
  await send(world, Buffer.from(forged(0, 30).bytes));
  await send(world, signedBatch(forged(100), forger));
  world.put(100);
  world.put(100);
  expect(await world.drain()).toBe("idle");
  const mine = keyOf(gateway).id.toString("hex");
  const own = (await batchesOf(world)).filter((batch) => findSignature(batch)?.keyId === mine);
  const honest = own.at(-1) ?? Buffer.alloc(0);
  // The gateway's signature under other records; then its batch again, as it was.
  const other = forged(150).bytes;
  await send(world, Buffer.concat([other, honest.subarray(-SIGNATURE_BYTES)]));
  await send(world, Buffer.from(honest));
  await using central = await start({ TAILGATE_SIGNATURES: "require", TAILGATE_SIGNATURE_KEYS: keys });
  const seen = await until(
    "all to be read",
    () => central.status(),
    ({ repeated }) => repeated === 100,
  );
  expect(seen).toMatchObject({ stored: 200, missing: 0, conflicts: 0, repeated: 100, deadLettered: 36 });
  await until(
    "the counters",
    () => central.get("/api/v1/status"),
    ({ signed, unsigned, wronglySigned }) => signed === 300 && unsigned === 30 && wronglySigned === 6,
  );
  const letters = JSON.stringify(await central.get("/api/v1/dead-letters?limit=100"));
  expect(letters).toContain("not signed by the agent that it names");
  expect(letters).toContain("with a key that is not its agent's");
  expect(letters).toContain("the signature is not of these records");

  // A new key: refused until the centre has been told of it, without a new start.
  const next = makeSigningKey();
  appendFileSync(keys, `gw-1 ${keyOf(next).publicText}\n`);
  await until(
    "the new key to be read",
    async () => central.log,
    (output) => output.includes("signature_keys_read"),
  );
  await send(world, signedBatch(forged(200, 10), keyOf(next)));
  expect(await central.stored(210)).toMatchObject({ missing: 0, conflicts: 0, deadLettered: 36 });
  world[Symbol.dispose]();
  dir[Symbol.dispose]();
}, 60_000);

test("observed: all is stored, told apart, and a conflict names both senders", async () => {
  const { dir, world, keys, start } = await setUp("observed");
  await using central = await start({ TAILGATE_SIGNATURES: "observe", TAILGATE_SIGNATURE_KEYS: keys });
  world.put(100);
  expect(await world.drain()).toBe("idle");
  await central.stored(100);
  await send(world, Buffer.from(forged(50, 1).bytes));
  await until(
    "a conflict",
    () => central.status(),
    ({ conflicts }) => conflicts === 1,
  );
  const { conflicts } = await central.get("/api/v1/conflicts");
  expect(conflicts).toMatchObject([
    { sender: "unsigned", heldBy: expect.stringMatching(/^observed\/0, signed with key /) },
  ]);
  expect(central.log).toMatch(/agent=gw-1 batches=unsigned.*sender_changed/);
  world[Symbol.dispose]();
  dir[Symbol.dispose]();
}, 30_000);

test("a topic of an agent's own: what names another agent is put aside there", async () => {
  const { dir, world, start } = await setUp("vehicles.gw-2");
  world.put(5);
  await world.drain();
  await using central = await start({ TAILGATE_TOPIC_AGENTS: "vehicles.{agent}" });
  const seen = await until(
    "all to be read",
    () => central.status(),
    ({ deadLettered }) => deadLettered === 5,
  );
  expect(seen).toMatchObject({ stored: 0, missing: 0 });
  expect(await central.get("/api/v1/ledger")).toMatchObject({ lanes: [] });
  world[Symbol.dispose]();
  dir[Symbol.dispose]();
}, 30_000);
