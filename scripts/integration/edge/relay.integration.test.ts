/**
 * The relay, past Kafka: the compiled edge and central as processes, killed at random, slow, full, refused and lied to.
 * `RELAY_KILLS=100` is the long form of the first test.
 */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { relayBatch } from "../../../central/testing/relay-batch.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Central, prepareCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Edge, prepareEdge } from "../../drivers/edge/edge.ts";
import { edgeBinary } from "../../drivers/edge/edge-binary.ts";
import { mountedDisk } from "../../drivers/faults/mounted-disk.ts";

const relayType = "application/vnd.tailgate.record-batches";
const key = "a-key-that-edges-relay-with";
const cars = 10;

beforeAll(async () => {
  await edgeBinary();
}, 300_000);

/** An edge that relays to a central, and lines of ten cars that it follows. */
class World implements AsyncDisposable {
  written = 0;
  private constructor(
    private readonly dir: TempDir,
    readonly central: Central,
    readonly edge: Edge,
    readonly store: string,
  ) {}

  static async make(config = "", store?: string): Promise<World> {
    const dir = tempDir("tailgate-relay-");
    for (const folder of ["logs", "data"]) mkdirSync(dir.file(folder));
    const sha256 = createHash("sha256").update(key).digest("hex");
    const keys = `apiKeys: [{ name: gw-1, sha256: ${sha256}, scopes: [read, metrics, relay] }]\n`;
    writeFileSync(dir.file("central.yaml"), `${keys}${config}`);
    const path = store ?? dir.file("central.db");
    const central = await prepareCentral({ store: path, config: dir.file("central.yaml"), key });
    const place = {
      agent: "gw-1",
      dataDir: dir.file("data"),
      logs: dir.file("logs/drive.log"),
      brokers: "",
      topic: "",
    };
    const changes = { top: sinkTo(central.url, key) };
    const edge = await prepareEdge({ place, configPath: dir.file("edge.yaml"), changes });
    return new World(dir, central, edge, path);
  }

  write(lines: number, bytes = 0): void {
    let text = "";
    for (const end = this.written + lines; this.written < end; this.written++) {
      text += `{"car":"car-${this.written % cars}","n":${this.written},"fill":"${"x".repeat(bytes)}"}\n`;
    }
    appendFileSync(this.dir.file("logs/drive.log"), text);
  }

  /** Waits until all that was written is stored, and counts each line by what its value says. */
  async hasAll(withinMs = 60_000): Promise<void> {
    await this.central.stored(this.written, withinMs);
    await this.edge.hasSettled(this.written, withinMs);
    const { stored, missing, conflicts, deadLettered } = await this.central.status();
    expect({ stored, missing, conflicts, deadLettered }).toEqual({
      stored: this.written,
      missing: 0,
      conflicts: 0,
      deadLettered: 0,
    });
    for (let car = 0; car < cars; car++) {
      const expected = Array.from({ length: Math.ceil((this.written - car) / cars) }, (_, index) => car + index * cars);
      expect(await this.numbersOf(`car-${car}`)).toEqual(expected);
    }
    await this.edge.stop();
    await this.central.stop();
    const { written } = this;
    expect(storeSums(this.store)).toEqual({ events: written, counted: written, received: written });
  }

  post(body: Uint8Array | string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const own = { authorization: `Bearer ${key}`, "content-type": relayType, ...headers };
    return fetch(`${this.central.url}/api/v1/relay`, { method: "POST", body, headers: own });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.edge.kill(), this.central.kill()]);
    this.dir[Symbol.dispose]();
  }

  /** In the order in which they are stored. */
  private async numbersOf(vehicle: string): Promise<readonly number[]> {
    const numbers: number[] = [];
    for (let cursor = ""; ; ) {
      const page = await this.central.get<{ events: readonly { value: string }[]; next?: string }>(
        `/api/v1/events?vehicle=${vehicle}&limit=10000${cursor}`,
      );
      for (const { value } of page.events) numbers.push(JSON.parse(value).n);
      if (page.next === undefined) return numbers;
      cursor = `&cursor=${encodeURIComponent(page.next)}`;
    }
  }
}

function sinkTo(url: string, token: string, more: object = {}): object {
  return { sinks: { central: { type: "relay", channel: "main", url, token, timeout: "20s", ...more } } };
}

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

async function world(...given: Parameters<typeof World.make>): Promise<World> {
  const made = await World.make(...given);
  opened.push(made);
  return made;
}

const kills = Number(process.env.RELAY_KILLS ?? "10");

describe("the relay", () => {
  test(
    `both ends killed with -9 at random, ${kills} times, under load: none lost, none twice in the store`,
    async () => {
      const on = await world();
      const random = seededRandom(20_261_126);
      await on.central.start();
      await on.edge.start();
      const writing = setInterval(() => on.write(50), 20);
      try {
        for (let count = 0; count < kills; count++) {
          await Bun.sleep(random.next() * 700);
          const which = random.next();
          const both = which > 0.8;
          if (which < 0.5 || both) await on.edge.kill();
          if (which >= 0.5) await on.central.kill();
          await Bun.sleep(random.next() * 200);
          if (!on.edge.running) await on.edge.launch();
          if (!on.central.running) on.central.launch();
        }
      } finally {
        clearInterval(writing);
      }
      await on.hasAll();
      console.log(`relay: ${kills} kills, ${on.written} lines, lost 0, twice in the store 0`);
    },
    60_000 + kills * 6_000,
  );

  test("central is frozen, then its store locked for longer than it holds bodies: all arrives, in order, once", async () => {
    const on = await world();
    await on.central.start();
    await on.edge.start();
    on.write(2_000);
    await on.central.stored(1);
    on.central.freeze();
    on.write(2_000);
    await Bun.sleep(1_500);
    on.central.thaw();
    await on.central.stored(4_000);
    const other = new Database(on.store);
    other.exec("begin immediate");
    on.write(2_000);
    await until(
      "the store to be away",
      () => on.central.status(),
      ({ storeAvailable }) => !storeAvailable,
    );
    await until(
      "a body to have been put off",
      async () => await metric(on, "relay_put_off_total"),
      (n) => n > 0,
      {
        withinMs: 20_000,
      },
    );
    other.exec("rollback");
    other.close();
    const began = performance.now();
    await on.central.stored(4_001);
    expect(performance.now() - began).toBeLessThan(5_000);
    await on.hasAll();
  }, 60_000);

  test("a wrong key: nothing is lost and nothing stored, the log says it; with the right one all arrives", async () => {
    const on = await world();
    await on.central.start();
    await on.edge.launch({ top: sinkTo(on.central.url, "a-key-that-nobody-knows") });
    on.write(500);
    await on.edge.hasRead(500);
    await until(
      "the edge to say that its key is refused",
      () => on.edge.said("401"),
      (times) => times > 0,
    );
    expect(await on.central.status()).toMatchObject({ stored: 0 });
    on.edge.reload({ top: sinkTo(on.central.url, key) });
    await on.hasAll();
  }, 60_000);

  test("a key that may not speak for the agent: held, and taken when it may", async () => {
    const on = await world('relay: { agents: [{ key: gw-1, agent: "gw-2" }] }\n');
    await on.central.start();
    await on.edge.start();
    on.write(100);
    await until(
      "the edge to be refused",
      () => on.edge.said("403"),
      (times) => times > 0,
    );
    expect(await on.central.status()).toMatchObject({ stored: 0, deadLettered: 0 });
  }, 60_000);

  test("the store's disk is full: bodies are held or put off, and all is stored once when there is room", async () => {
    using disk = mountedDisk(24);
    const on = await world("", join(disk.path, "central.db"));
    await on.central.start();
    await on.edge.start();
    on.write(1_000);
    await on.central.stored(1_000);
    fill(join(disk.path, "ballast"));
    await until(
      "the store to be away",
      async () => {
        on.write(2_000, 300);
        return await on.central.status();
      },
      ({ storeAvailable }) => !storeAvailable,
      { everyMs: 500, withinMs: 30_000 },
    );
    rmSync(join(disk.path, "ballast"));
    await on.hasAll();
  }, 90_000);

  test("garbage, half bodies, a giant record and 1,000 connections beside the edge: each alone, and the edge goes on", async () => {
    const on = await world();
    await on.central.start();
    await on.edge.start();
    const port = Number(new URL(on.central.url).port);
    const hanging = new Set<Socket>();
    const hang = () => {
      const socket = connect(port, "127.0.0.1", () => {
        const head = `POST /api/v1/relay HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\nContent-Type: ${relayType}\r\n`;
        socket.write(`${head}Content-Length: 100000\r\n\r\n${"x".repeat(1_000)}`);
      });
      hanging.add(socket);
      // Read, or an end is never seen.
      socket.resume();
      socket.on("error", () => {});
      socket.on("close", () => hanging.delete(socket));
    };
    const garbage = createHash("sha512").update("garbage").digest();
    const noise = Buffer.concat(Array.from({ length: 10_000 }, () => garbage));
    const statuses = [
      (await on.post(noise)).status,
      (await on.post("x")).status,
      (await on.post(Buffer.alloc(5 * 1024 * 1024))).status,
      (await on.post(relayBatch({ first: 0, count: 1, identity: () => undefined }))).status,
      (await on.post(relayBatch({ first: 0, count: 1 }), { authorization: "Bearer nobody" })).status,
      (await on.post(relayBatch({ first: 0, count: 1 }), { "content-type": "text/plain" })).status,
    ];
    expect(statuses).toEqual([422, 422, 413, 422, 401, 415]);
    for (let count = 0; count < 1_000; count++) hang();
    on.write(3_000);
    on.write(1, 400_000);
    await on.central.stored(3_001, 60_000);
    await until(
      "the hanging ones to be given up",
      () => hanging.size,
      (left) => left === 0,
      { withinMs: 50_000 },
    );
    expect(await on.central.status()).toMatchObject({ relayWaitingBytes: 0 });
    await on.hasAll();
  }, 120_000);
});

async function metric(on: World, name: string): Promise<number> {
  const page = await fetch(`${on.central.url}/metrics`, { headers: { authorization: `Bearer ${key}` } });
  return Number(new RegExp(`^tailgate_central_${name} (\\d+)$`, "m").exec(await page.text())?.[1] ?? "-1");
}

/** As another program would: all of it, to the last page. */
function fill(ballast: string): void {
  for (let bytes = 32 * 1024 * 1024; bytes >= 512; bytes /= 2) {
    try {
      writeFileSync(ballast, Buffer.alloc(bytes), { flag: "a" });
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: "ENOSPC" });
    }
  }
}
