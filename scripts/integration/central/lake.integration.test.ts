/**
 * The lake with a real broker and batches of a real edge: central killed in the middle of commits, its disk full, a vehicle erased;
 * read row for row by readers that are not ours, through central's catalog.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, rmSync } from "node:fs";
import { vehicleOf } from "../../../central/ledger/vehicle.ts";
import { parseIdentity } from "../../../shared/identity/identity.ts";
import type { Central } from "../../drivers/central/central.ts";
import { type Edge, prepareEdge } from "../../drivers/edge/edge.ts";
import { mountedDisk } from "../../drivers/faults/mounted-disk.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { topicCount, topicRecords } from "../../drivers/kafka/topic.ts";
import { type LakeReader, type LakeRow, readLake } from "../../drivers/lake/lake-readers.ts";
import { type CentralGround, centralGround } from "./ground.ts";

const key = "a-key-for-everything";
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

interface LakeStatus {
  readonly state: string;
  readonly trouble: string | null;
  readonly code: string | null;
  readonly rows: number;
  readonly lag: number | null;
  readonly bufferedRows: number;
  readonly erasuresPending: number;
  readonly withheld: number;
}

const status = (central: Central) => central.get<LakeStatus>("/api/v1/lake");

/** Central with a lake beside its store. */
async function startWithLake(on: CentralGround, more: Readonly<Record<string, string>> = {}): Promise<Central> {
  const lake = {
    TAILGATE_LAKE: on.dir.file("lake"),
    TAILGATE_LAKE_COMMIT_EVERY: "200ms",
    TAILGATE_LAKE_KEEP_FREE: "1MiB",
  };
  return await on.start({ ...lake, ...more }, key);
}

async function holds(central: Central, rows: number, withinMs = 30_000): Promise<void> {
  await central.wait(`${rows} rows in the lake`, async () => (await status(central)).rows >= rows, withinMs);
}

/** What the topic holds, by kcat, as the lake should have it. */
async function expectedRows(topic: string): Promise<LakeRow[]> {
  const rows = (await topicRecords(broker.address, topic, "read_committed")).map((record): LakeRow => {
    const { partition, offset, timestampMs: kafkaMs, key: name, value, headers } = record;
    const header = /(?:^|,)tg=([^,]*)/.exec(headers)?.[1];
    const identity = header === undefined ? undefined : parseIdentity(header);
    const { agent = null, epoch = null, lane = null, first: seq = null } = identity ?? {};
    const vehicle = vehicleOf(name ?? undefined, header);
    const stream = identity?.stream ?? topic;
    const eventMs = identity?.eventTimeMs ?? kafkaMs;
    return {
      topic,
      partition,
      offset,
      vehicle,
      stream,
      eventMs,
      kafkaMs,
      agent,
      epoch,
      lane,
      seq,
      body: value?.toString("hex") ?? null,
    };
  });
  return rows.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

async function compare(central: Central, topic: string, readers: readonly LakeReader[]): Promise<number> {
  const expected = await expectedRows(topic);
  for (const reader of readers) {
    const found = await readLake(reader, central.url, key);
    expect([reader, found.length]).toEqual([reader, expected.length]);
    expect(found).toEqual(expected);
  }
  return expected.length;
}

/** A compiled edge that follows a file. */
async function edgeOn(on: CentralGround): Promise<Edge> {
  mkdirSync(on.dir.file("logs"));
  return await prepareEdge({
    place: {
      agent: "gw-9",
      dataDir: on.dir.file("edge"),
      logs: on.dir.file("logs/*.log"),
      brokers: broker.address,
      topic: on.topic,
    },
    configPath: on.dir.file("edge.yaml"),
    changes: { sink: { partition: "key" } },
  });
}

const long = process.env.TAILGATE_LONG === "1";

describe("the lake", () => {
  test("central killed with -9 in the middle of commits: what other readers find is what the topic holds, row for row", async () => {
    await using on = await centralGround(broker);
    await using edge = await edgeOn(on);
    await edge.start();
    await using central = await startWithLake(on);
    const kills = long ? 60 : 6;
    let lines = 0;
    const write = (count: number) => {
      const text = Array.from({ length: count }, () => {
        const n = lines++;
        return `{"car":"car-${n % 23}","n":${n},"speed":${n % 120}}\n`;
      });
      appendFileSync(on.dir.file("logs/a.log"), text.join(""));
    };
    for (let kill = 0; kill < kills; kill++) {
      const before = await topicCount(broker.internalAddress, on.topic);
      for (let burst = 0; burst < 5; burst++) {
        write(400);
        await Bun.sleep(60);
      }
      // In most rounds commits are under way; in the others it dies while it starts.
      if (kill % 3 !== 2) await holds(central, before + 1);
      await Bun.sleep(Math.random() * 400);
      await central.kill();
      await central.start();
    }
    await on.producer.send(1_000); // of another agent
    await edge.hasSettled(lines);
    await holds(central, lines + 1_000, 60_000);
    expect(await compare(central, on.topic, long ? ["duckdb", "pyiceberg"] : ["duckdb"])).toBe(lines + 1_000);
    expect(await status(central)).toMatchObject({ state: "writing", trouble: null, lag: 0, bufferedRows: 0 });
  }, 300_000);

  test("its disk is full: it says so and waits, the store goes on; with space again all rows are in it once", async () => {
    await using on = await centralGround(broker);
    using disk = mountedDisk(8);
    await on.producer.send(2_000);
    await using central = await startWithLake(on, {
      TAILGATE_LAKE: `${disk.path}/lake`,
      TAILGATE_LAKE_KEEP_FREE: "0B",
    });
    await holds(central, 2_000);
    const filler = `${disk.path}/filler`;
    Bun.spawnSync(["dd", "if=/dev/zero", `of=${filler}`, "bs=64k"]);
    await on.producer.send(3_000, { valueBytes: 1_000 });
    await central.wait(
      "the lake to say that its disk is full",
      async () => (await status(central)).state === "waiting",
    );
    const { code, trouble } = await status(central);
    expect(code).toBe("CENTRAL_LAKE_DISK");
    expect(trouble).toContain("ENOSPC");
    await central.stored(5_000);
    rmSync(filler);
    await holds(central, 5_000);
    expect(await compare(central, on.topic, ["duckdb"])).toBe(5_000);
  }, 120_000);

  test("an erased vehicle is out of the lake, and what comes of it later is left out, whatever is killed in between", async () => {
    await using on = await centralGround(broker);
    await on.producer.send(2_000);
    await using central = await startWithLake(on);
    await holds(central, 2_000);
    await central.ask("DELETE", "/api/v1/vehicles/car-3");
    await central.kill();
    await central.start();
    await holds(central, 1);
    await central.wait("the vehicle to be out of the lake", async () => (await status(central)).rows === 1_800);
    await on.producer.send(2_000);
    await holds(central, 3_600);
    await central.wait("the topic to be read", async () => (await status(central)).lag === 0);
    const rows = await readLake("duckdb", central.url, key);
    const others = (await expectedRows(on.topic)).filter(({ vehicle }) => vehicle !== "car-3");
    expect(rows).toEqual(others);
    expect((await status(central)).withheld).toBe(200);
    const { snapshots } = await central.get<{ snapshots: { rows: number }[] }>("/api/v1/lake/snapshots");
    expect(snapshots.every((snapshot) => snapshot.rows <= 3_600)).toBe(true);
  }, 120_000);

  test("two centrals on one directory: one writes, the other takes over when that one is killed", async () => {
    await using on = await centralGround(broker);
    await on.producer.send(1_000);
    await using one = await startWithLake(on);
    await holds(one, 1_000);
    await using other = await startWithLake(on, {
      TAILGATE_GROUP: "another-group",
      TAILGATE_STORE: on.dir.file("b.db"),
    });
    await other.wait("the other to stand by", async () => (await status(other)).state === "standby");
    await one.kill();
    await on.producer.send(1_000);
    await holds(other, 2_000);
    expect(await compare(other, on.topic, ["duckdb"])).toBe(2_000);
  }, 120_000);
});
