/**
 * Who missed what, on real parts: a broker, three compiled edges that reach it by a line that can be cut, and a centre on a
 * line of its own. A scripted night: one edge is stopped; then the line is cut, and of the others one waits with what it
 * has, and one has a small channel and sheds. The report must say what the script did, number for number.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdirSync } from "node:fs";
import { createKafka } from "../../../shared/kafka/connection/client.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { type Central, prepareCentral } from "../../drivers/central/central.ts";
import { type Edge, prepareEdge } from "../../drivers/edge/edge.ts";
import { type BrokerOnLine, startBrokerOnLine } from "../../drivers/faults/broker-on-line.ts";
import type { FaultProxy } from "../../drivers/faults/fault-proxy.ts";
import type { Broker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

interface Range {
  readonly first: number;
  readonly last: number;
}

interface Missed extends Range {
  readonly stream: string;
  readonly came: number;
  readonly onTheWay: number;
  readonly inVehicle: number;
  readonly missing: number;
  readonly shed: readonly (Range & { readonly reason: string })[];
}

interface Outage {
  readonly agent: string;
  readonly kind: string;
  readonly fromMs: number;
  readonly toMs: number | null;
  readonly caughtUpMs: number | null;
  readonly missed: readonly Missed[];
}

const beats = "tailgate.heartbeats";
const everyMs = 500;
let dir: TempDir;
let broker: Broker;
let line: FaultProxy;
let both: BrokerOnLine;
let central: Central;

beforeAll(async () => {
  dir = tempDir("tailgate-fleet-");
  both = await startBrokerOnLine();
  ({ broker, line } = both);
  await createTopic(broker.internalAddress, "drive", { partitions: 1 });
  central = await prepareCentral({
    brokers: broker.internalAddress,
    topics: ["drive"],
    store: dir.file("central.db"),
    environment: { TAILGATE_HEARTBEAT_TOPIC: beats },
  });
  await central.start();
}, 120_000);

afterAll(async () => {
  await central[Symbol.asyncDispose]();
  await both[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

/** An edge that writes numbered lines of a car of its own. */
class Vehicle {
  lines = 0;

  private constructor(
    readonly agent: string,
    readonly edge: Edge,
    private readonly log: string,
  ) {}

  static async start(agent: string, channel: object = {}): Promise<Vehicle> {
    mkdirSync(dir.file(agent));
    const log = dir.file(`${agent}/drive.log`);
    const place = { agent, dataDir: dir.file(`${agent}/data`), logs: log, brokers: line.address, topic: "drive" };
    const edge = await prepareEdge({
      place,
      configPath: dir.file(`${agent}/edge.yaml`),
      changes: {
        top: { heartbeat: { topic: beats, every: `${everyMs}ms` } },
        channel: { freeDisk: 0, ...channel },
        sink: { createTopic: { partitions: 1 }, requestTimeout: "3s", connectTimeout: "2s" },
      },
    });
    const vehicle = new Vehicle(agent, edge, log);
    vehicle.write(20);
    await edge.start();
    return vehicle;
  }

  /** So many lines, each with the number that its record gets. */
  write(count: number, fillerBytes = 0): void {
    let text = "";
    for (let left = count; left > 0; left--) {
      text += `{"car":"${this.agent}","n":${this.lines++},"filler":"${"x".repeat(fillerBytes)}"}\n`;
    }
    appendFileSync(this.log, text);
  }

  /** Numbers of the lines that are stored. */
  async stored(): Promise<readonly number[]> {
    const numbers: number[] = [];
    let cursor = "";
    for (;;) {
      const path = `/api/v1/events?vehicle=${this.agent}&limit=5000${cursor}`;
      const page = await central.get<{ events: { value: string }[]; next?: string }>(path);
      for (const { value } of page.events) numbers.push(Number(/"n":(\d+)/.exec(value)?.[1]));
      if (page.next === undefined) return numbers.toSorted((a, b) => a - b);
      cursor = `&cursor=${page.next}`;
    }
  }
}

const outages = async (agent: string) =>
  (await central.get<{ outages: Outage[] }>(`/api/v1/outages?agent=${agent}`)).outages;

const states = async () => {
  const { agents } = await central.get<{ agents: { agent: string; state: string }[] }>("/api/v1/fleet");
  return Object.fromEntries(agents.map(({ agent, state }) => [agent, state]));
};

test("the outage report of a scripted night is what the script did, number for number", async () => {
  await using waits = await started("waits");
  await using sheds = await started("sheds", { capacity: "16MiB", full: "drop_oldest", compression: "none" });
  await using stops = await started("stops");
  await central.stored(60);
  await central.wait("all to be heard", async () => Object.values(await states()).join() === "online,online,online");

  // One is stopped, with nothing left in it.
  const stoppedMs = Date.now();
  await stops.vehicle.edge.stop();
  await central.wait("the goodbye", async () => (await states()).stops === "stopped");

  // The line is cut; two write on.
  const cutMs = Date.now();
  await line.refuse();
  waits.vehicle.write(50);
  sheds.vehicle.write(3_000, 8_000);
  await waits.vehicle.edge.hasRead(70);
  await sheds.vehicle.edge.hasRead(3_020, 60_000);
  await central.wait("silence to be seen", async () => {
    const { waits: one, sheds: other } = await states();
    return one === "silent" && other === "silent";
  });
  const [now] = await outages("waits");
  expect(now).toMatchObject({ kind: "silent", toMs: null });
  const { shed } = await sheds.vehicle.edge.book();
  expect(shed).toBeGreaterThan(500);

  // The line is back, and so is the one that was stopped.
  const healedMs = Date.now();
  await line.accept();
  await waits.vehicle.edge.hasSettled(70, 60_000);
  await sheds.vehicle.edge.hasSettled(3_020, 60_000);
  stops.vehicle.write(10);
  await stops.vehicle.edge.start();
  await stops.vehicle.edge.hasSettled(10);
  const { shed: shedInAll } = await sheds.vehicle.edge.book();
  const came = 70 + 3_020 - shedInAll + 30;
  await central.stored(came, 60_000);
  for (const agent of ["waits", "sheds", "stops"]) {
    await central.wait(`${agent} to have caught up`, async () => {
      const [last] = await outages(agent);
      return last !== undefined && last.toMs !== null && last.caughtUpMs !== null;
    });
  }

  /**
   * The outage from `beganMs` to `endedMs`: from the last heartbeat before to the first after, by the broker's clock, which is
   * this machine's. A busy machine is also silent for longer than two of these short intervals at other times, before and after:
   * that is told too, and of what waited nothing is missing.
   */
  const outageOf = async (agent: string, beganMs: number, endedMs: number): Promise<Outage> => {
    const all = await outages(agent);
    const found = all.filter(
      ({ fromMs, toMs }) => fromMs <= beganMs + 1_500 && toMs !== null && toMs >= endedMs - 1_500,
    );
    for (const { missed } of all.filter((outage) => !found.includes(outage))) {
      for (const { first, last, came, missing, shed } of missed) {
        const shedCount = shed.reduce((sum, range) => sum + range.last - range.first + 1, 0);
        expect({ gone: last - first + 1 - came - shedCount, missing }).toEqual({ gone: 0, missing: 0 });
      }
    }
    const [outage] = found;
    if (found.length !== 1 || outage === undefined) throw new Error(`${agent}: ${JSON.stringify(all)}`);
    expect(outage.fromMs).toBeGreaterThan(beganMs - 60_000);
    return outage;
  };

  // What waited is what was written while the line was cut; all of it came.
  const ofWaits = await outageOf("waits", cutMs, healedMs);
  expect(ofWaits).toMatchObject({ agent: "waits", kind: "link" });
  expect(ofWaits.missed).toMatchObject([
    { stream: "drive", first: 20, last: 69, came: 50, onTheWay: 0, inVehicle: 0, missing: 0, shed: [] },
  ]);

  // Of what waited in the small channel a part came; the rest never will, and these are its numbers.
  const ofSheds = await outageOf("sheds", cutMs, healedMs);
  const [missed] = ofSheds.missed;
  expect(ofSheds).toMatchObject({ kind: "link" });
  expect(missed).toMatchObject({
    first: 20,
    last: 3_019,
    came: 3_000 - shedInAll,
    missing: 0,
    inVehicle: 0,
    onTheWay: 0,
  });
  const stored = new Set(await sheds.vehicle.stored());
  const lost = Array.from({ length: 3_020 }, (_, number) => number).filter((number) => !stored.has(number));
  expect(lost).toHaveLength(shedInAll);
  expect(
    missed?.shed.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at)),
  ).toEqual(lost);
  expect(new Set(missed?.shed.map(({ reason }) => reason))).toEqual(new Set(["overflow"]));

  // The one that was stopped missed nothing: all that it had was delivered, the rest was read when it came back.
  const ofStops = await outageOf("stops", stoppedMs, healedMs);
  expect(ofStops).toMatchObject({ kind: "stopped", missed: [] });

  // And the books add up, over the fleet and by hour.
  await central.wait("the books to be read anew", async () => {
    const books = await central.get<{ stored: number; shed: number }>("/api/v1/books");
    return books.stored === came && books.shed === shedInAll;
  });
  expect(await central.get("/api/v1/books")).toMatchObject({
    assigned: 70 + 3_020 + 30,
    stored: came,
    shed: shedInAll,
    inVehicle: 0,
    onTheWay: 0,
    dead: 0,
    missing: 0,
    beforeFirst: 0,
    difference: 0,
    balanced: true,
  });
  const { cells } = await central.get<{ cells: Readonly<Record<string, number | string>>[] }>("/api/v1/completeness");
  const sumOf = (agent: string, what: string) =>
    cells.filter((cell) => cell.agent === agent).reduce((sum, cell) => sum + Number(cell[what]), 0);
  expect(
    ["waits", "sheds", "stops"].map((agent) => [
      sumOf(agent, "expected"),
      sumOf(agent, "stored"),
      sumOf(agent, "shed"),
      sumOf(agent, "missing"),
    ]),
  ).toEqual([
    [70, 70, 0, 0],
    [3_020, 3_020 - shedInAll, shedInAll, 0],
    [30, 30, 0, 0],
  ]);
  expect(await central.status()).toMatchObject({
    missing: 0,
    repeated: 0,
    conflicts: 0,
    deadLettered: 0,
    shed: shedInAll,
  });
}, 180_000);

test("a hostile vehicle's heartbeats are bounded, counted and said; the others go on", async () => {
  const kafka = createKafka({ brokers: [broker.internalAddress], clientId: "test", report: silent, component: "test" });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const beat = { v: 1, agent: "evil", epoch: "e", run: "r", n: 1, everyMs: 1_000, atMs: 4_102_444_800_000, upMs: 0 };
  const rest = {
    version: "x",
    config: "y",
    backlog: { events: 0, bytes: 0 },
    lanes: [],
    lanesCut: 0,
    streams: [],
    outages: [],
  };
  const value = JSON.stringify({ ...beat, ...rest });
  const claims = [
    {
      stream: "drive",
      epoch: "e",
      lane: 0,
      to: "drive",
      assigned: 2 ** 48,
      unsentFrom: 2 ** 48,
      held: 0,
      shed: 0,
      dead: 0,
    },
  ];
  try {
    await producer.send({
      topic: beats,
      messages: [
        { key: "evil", value: "x".repeat(300_000) },
        { key: "evil", value: "{" },
        { key: "waits", value },
        { key: "evil", value: null },
        { key: "evil", value },
        { key: "liar", value: JSON.stringify({ ...beat, ...rest, agent: "liar", lanes: claims }) },
        ...Array.from({ length: 1_000 }, (_, index) => ({
          key: `m${index}`,
          value: JSON.stringify({ ...beat, ...rest, agent: `m${index}` }),
        })),
      ],
    });
  } finally {
    await producer.disconnect();
  }
  await central.wait(
    "the last of them to be heard",
    async () => (await states()).m999 !== undefined || (await counted()) >= 1_003,
  );
  // Its clock is wrong, and shown to be; when it was heard is the broker's to say.
  const { agents } = await central.get<{ agents: { clockOffsetMs: number; heardMs: number }[] }>(
    "/api/v1/fleet?agent=evil",
  );
  expect(agents[0]?.clockOffsetMs).toBeGreaterThan(365 * 86_400_000);
  expect(Math.abs((agents[0]?.heardMs ?? 0) - Date.now())).toBeLessThan(120_000);
  // The reading thread tells its counts twice a second.
  await central.wait("the refused to be counted", async () => {
    const metrics = await (await fetch(`${central.url}/metrics`)).text();
    return Number(/tailgate_central_heartbeats_refused_total (\d+)/.exec(metrics)?.[1]) === 3;
  });
  await central.wait("the refused to be said", async () => central.log.includes("heartbeat_refused"));
  await central.wait("the lie to be seen", async () => {
    const { lanes } = await central.get<{ lanes: { agent: string; why: string }[] }>("/api/v1/books");
    return lanes.some(({ agent, why }) => agent === "liar" && why.includes("claims more than"));
  });
  // The books are summed up once a second; whoever asks in between knows it before it is said.
  await central.wait("the lie to be said", async () => central.log.includes("books_do_not_balance"));
}, 60_000);

async function counted(): Promise<number> {
  const { counts } = await central.get<{ counts: Readonly<Record<string, number>> }>("/api/v1/fleet");
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** A vehicle that ends with the test. */
async function started(agent: string, channel: object = {}) {
  const vehicle = await Vehicle.start(agent, channel);
  return { vehicle, [Symbol.asyncDispose]: () => vehicle.edge[Symbol.asyncDispose]() };
}
