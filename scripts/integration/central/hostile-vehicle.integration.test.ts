/**
 * One hostile vehicle at full rate beside honest ones: a real broker, a real centre, signatures required, agents bound to
 * their vehicles. The honest ones' books, last states and latency are looked at in a quiet phase and in a hostile one of
 * the same run; then the hostile vehicle is quarantined and forgotten by one request each.
 *
 * The hostile vehicle fills partitions of its own and throws each of its batches into the others' once a minute: how fast a
 * partition may be filled is for Kafka's quotas (SECURITY.md). HOSTILE_SECONDS=600 makes the hostile phase ten minutes, and the quiet one
 * a tenth of it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { statSync, writeFileSync } from "node:fs";
import { stringify } from "yaml";
import { z } from "zod";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import type { KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { HonestVehicle, hostileBatches, newKey, Sender } from "./vehicles.ts";

const topic = "fleet";
const evil = "gw-evil";
const operator = "operator-key-for-this-test";
const hostileSeconds = Number(process.env.HOSTILE_SECONDS ?? 12);
const quietSeconds = Math.max(6, hostileSeconds / 10);

const dir = tempDir("tailgate-hostile-");
let broker: Broker;
let link: KafkaLink;
let central: Central;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await central?.[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
  link?.close();
  dir[Symbol.dispose]();
});

async function ask(path: string, method = "GET"): Promise<unknown> {
  const headers = { authorization: `Bearer ${operator}` };
  const answer = await fetch(`${central.url}${path}`, { method, headers, signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  const text = await answer.text();
  return text === "" ? undefined : JSON.parse(text);
}

/** How long what a vehicle says takes until it is its last state, milliseconds. */
async function latency(vehicle: HonestVehicle): Promise<number> {
  const startMs = performance.now();
  await vehicle.say(10);
  const { last } = vehicle;
  await until(
    `"${last}" to be the last state`,
    () => ask(`/api/v1/vehicles/${vehicle.name}`),
    (state) => JSON.stringify(state).includes(`"${last}"`),
    { withinMs: 60_000, everyMs: 10 },
  ).catch(async (thrown: unknown) => {
    const lag = JSON.stringify(await ask("/api/v1/lag").catch(String));
    throw new Error(`${messageOf(thrown)}\nlag: ${lag}\ncentral:\n${central.log.slice(-4_000)}`);
  });
  return performance.now() - startMs;
}

/** What the centre has used so far, and how many records it has put aside for that. */
async function cost(): Promise<{ readonly cpuSeconds: number; readonly refused: number }> {
  const status = await ask("/api/v1/status");
  const { deadLettered } = z.looseObject({ deadLettered: z.int() }).parse(status);
  return { cpuSeconds: central.child.cpuSeconds, refused: deadLettered };
}

async function phase(vehicles: readonly HonestVehicle[], seconds: number): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (const end = performance.now() + seconds * 1_000; performance.now() < end; ) {
    for (const vehicle of vehicles) latencies.push(await latency(vehicle));
    await Bun.sleep(50);
  }
  return latencies.sort((a, b) => a - b);
}

const quantile = (sorted: readonly number[], part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;

const inWords = (latencies: readonly number[]) =>
  `p50 ${quantile(latencies, 0.5).toFixed(0)} ms, p99 ${quantile(latencies, 0.99).toFixed(0)} ms of ${latencies.length}`;

test(
  "one hostile vehicle harms none of the others, and is quarantined and forgotten by one request each",
  async () => {
    await createTopic(broker.internalAddress, topic, { partitions: 4 });
    link = createKafkajsLink({
      brokers: [broker.address],
      clientId: "vehicles",
      connectTimeoutMs: 5_000,
      requestTimeoutMs: 30_000,
      report: silent,
      component: "test",
      random: systemRandom,
      tls: undefined,
      sasl: undefined,
    });
    const sender = new Sender(link, topic);
    const vehicles = [0, 1, 2, 3, 4].map((number) => new HonestVehicle(number, number % 2, sender));
    const [victim] = vehicles;
    if (victim === undefined) throw new Error("no vehicle");
    const evilKey = newKey();
    const keys = [...vehicles.map(({ agent, key }) => ({ agent, key })), { agent: evil, key: evilKey }];
    writeFileSync(dir.file("fleet.keys"), keys.map(({ agent, key }) => `${agent} ${key.publicText}\n`).join(""));
    const sha256 = createHash("sha256").update(operator).digest("hex");
    writeFileSync(
      dir.file("central.yaml"),
      stringify({
        signatures: { mode: "require", keys: "fleet.keys" },
        agentVehicles: [
          { agent: evil, vehicle: "*e*" },
          { agent: "gw-{id}", vehicle: "car-{id}" },
        ],
        apiKeys: [{ name: "operator", sha256, scopes: ["read", "metrics", "operate"] }],
      }),
    );
    const store = dir.file("central.db");
    central = await launchCentral({
      brokers: broker.address,
      topics: [topic],
      store,
      config: dir.file("central.yaml"),
    });
    await until(
      "central to serve",
      () => ask("/api/v1/status"),
      () => true,
      { withinMs: 30_000 },
    );

    const quiet = await phase(vehicles, quietSeconds);
    const before = await cost();

    const batches = hostileBatches(evil, evilKey, victim);
    const stopping = new AbortController();
    let hostile = 0;
    const attack = (async () => {
      const rounds = Math.ceil(hostileSeconds / 60);
      const amongOthersMs = (Math.min(60, hostileSeconds) * 1_000) / batches.length;
      let nextMs = 0;
      let among = 0;
      for (let turn = 0; !stopping.signal.aborted; turn++) {
        const batch = batches[turn % batches.length];
        const other = batches[among % batches.length];
        if (batch === undefined || other === undefined) break;
        await sender.send(2 + (turn % 2), batch);
        hostile++;
        if (performance.now() < nextMs || among >= rounds * batches.length) continue;
        nextMs = performance.now() + amongOthersMs;
        await sender.send(among % 2, other);
        among++;
      }
    })();
    const beside = await phase(vehicles, hostileSeconds).finally(async () => {
      stopping.abort();
      await Promise.allSettled([attack]);
    });
    await attack;
    const after = await cost();
    const refused = after.refused - before.refused;
    const microsEach = ((after.cpuSeconds - before.cpuSeconds) * 1e6) / refused;
    console.log(`quiet:   ${inWords(quiet)}\nhostile: ${inWords(beside)}, beside ${hostile} hostile batches`);
    console.log(
      `refused: ${refused} records, ${microsEach.toFixed(1)} µs of the centre's CPU each, all that it does included`,
    );

    // Books: each number of each honest lane was received, once, and nothing else.
    for (const { agent, sent } of vehicles) {
      expect(await ask(`/api/v1/ledger?agent=${agent}`)).toMatchObject({
        lanes: [
          { received: sent, nextSeq: sent, missing: 0, beforeFirst: 0, shed: 0, dead: 0, conflicts: 0, repeated: 0 },
        ],
      });
    }
    // Last states: what they said last, under their own stream.
    for (const { name, last } of vehicles) {
      const state = JSON.stringify(await ask(`/api/v1/vehicles/${name}`));
      expect(state).toContain(last);
      expect(state).not.toContain("forged");
    }
    // What a flood costs, in CPU time. It is 2 to 9 µs, by how many others use the caches; a look-up in the store for each was 80.
    expect(refused).toBeGreaterThan(10_000);
    expect(microsEach).toBeLessThan(40);
    // A partition keeps its order, so what is honest in it waits for what is hostile before it: seconds on a busy machine.
    expect(quantile(beside, 0.5)).toBeLessThan(quantile(quiet, 0.5) * 20 + 5_000);
    expect(quantile(beside, 1)).toBeLessThan(quantile(quiet, 1) * 20 + 15_000);
    const status = await ask("/api/v1/status");
    expect(status).toMatchObject({ storeAvailable: true, problems: [], missing: expect.any(Number) });
    expect(statSync(store).size).toBeLessThan(500e6);

    await ask(`/api/v1/quarantine/${evil}`, "PUT");
    await ask(`/api/v1/ledger?agent=${evil}`, "DELETE");
    await until(
      "the books of the honest alone",
      () => ask("/api/v1/status"),
      (after) => typeof after === "object" && after !== null && "missing" in after && after.missing === 0,
      { withinMs: 60_000 },
    );
    const { sent } = victim;
    await latency(victim);
    expect(await ask(`/api/v1/ledger?agent=${victim.agent}`)).toMatchObject({
      lanes: [{ received: sent + 10, missing: 0, conflicts: 0 }],
    });
    expect(await ask(`/api/v1/status`)).toMatchObject({ missing: 0, beforeFirst: 0, shed: 0, conflicts: 0 });
    expect(await ask("/api/v1/quarantine")).toEqual({ agents: [evil] });
  },
  (hostileSeconds + quietSeconds) * 1_000 + 150_000,
);
