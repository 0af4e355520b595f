/**
 * Reads over HTTP while ingest runs at full rate: a store filled before, a topic filled before, and a client that asks
 * for last states and vehicle-hours in turn while central catches up.
 *
 *     bun scripts/bench/central/reads.bench.ts --brokers 127.0.0.1:9092 --rows 100000000 --events 3000000
 */
import { systemClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { fillStore } from "./fill-store.ts";
import { produce, vehicleName } from "./produce.ts";

export interface ReadBenchOptions {
  readonly brokers: readonly string[];
  /** In the store before. */
  readonly rows: number;
  /** In the topic, to be ingested while reading. */
  readonly events: number;
  readonly vehicles?: number;
  /** A store that `fillStore` has filled with `rows` before; filled now, and thrown away after, when not given. */
  readonly store?: string;
}

/** Milliseconds, and how many were asked. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly requests: number;
}

export interface ReadBenchResult {
  readonly rows: number;
  readonly ingestedPerSecond: number;
  readonly lastState: Latency;
  readonly vehicleHour: Latency;
  /** Of the vehicle-hours: events in each answer. */
  readonly eventsPerHour: number;
}

/** Event time of a filled store's first row. */
export const filledFromMs = 1_700_000_000_000;
const hourMs = 3_600_000;

/** One run; the store goes with it. */
export async function runReadBench(options: ReadBenchOptions): Promise<ReadBenchResult> {
  const { brokers, rows, events, vehicles = 100 } = options;
  using dir = tempDir("tailgate-reads-bench-");
  const store = options.store ?? dir.file("central.db");
  const topic = `reads-bench-${Math.round(systemClock.now())}`;
  if (options.store === undefined) await fillStore({ path: store, rows, vehicles, startMs: filledFromMs });
  await produce({ brokers, topic, partitions: 4, events, vehicles, startMs: filledFromMs + (rows / vehicles) * 1_000 });
  const port = await freePort();
  await using central = startChild({
    name: "central",
    command: [process.execPath, new URL("../../../central/main.ts", import.meta.url).pathname],
    env: {
      KAFKA_BROKERS: brokers.join(","),
      TAILGATE_TOPICS: topic,
      TAILGATE_GROUP: topic,
      TAILGATE_STORE: store,
      TAILGATE_LISTEN: `127.0.0.1:${port}`,
      TAILGATE_LOG_LEVEL: "warn",
    },
  });
  const ask = async (path: string): Promise<string> => await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
  const stored = async (): Promise<number> => Number(/"stored":(\d+)/.exec(await ask("/api/v1/status"))?.[1] ?? 0);
  await until("ingest to begin", stored, (count) => count > rows, { withinMs: 60_000, everyMs: 5 });
  const beganMs = systemClock.uptimeMs();
  const random = seededRandom(3);
  const hours = Math.max(1, Math.floor(((rows / vehicles) * 1_000) / hourMs) - 1);
  const times = { lastState: [] as number[], vehicleHour: [] as number[] };
  let eventsPerHour = 0;
  for (let turn = 0; ; turn++) {
    const vehicle = vehicleName(Math.floor(random.next() * vehicles));
    await timed(times.lastState, () => ask(`/api/v1/vehicles/${vehicle}`));
    if (turn % 4 !== 0) continue;
    const from = filledFromMs + Math.floor(random.next() * hours) * hourMs;
    const range = `from=${from}&to=${from + hourMs}`;
    const body = await timed(times.vehicleHour, () => ask(`/api/v1/events?vehicle=${vehicle}&${range}&limit=10000`));
    eventsPerHour = body.split('"timeMs":').length - 1;
    if ((await stored()) >= rows + events) break;
  }
  const seconds = (systemClock.uptimeMs() - beganMs) / 1_000;
  const { lastState, vehicleHour } = times;
  await central.stop();
  return {
    rows,
    ingestedPerSecond: Math.round(events / seconds),
    lastState: latency(lastState),
    vehicleHour: latency(vehicleHour),
    eventsPerHour,
  };
}

async function timed<T>(into: number[], work: () => Promise<T>): Promise<T> {
  const beganMs = systemClock.uptimeMs();
  const result = await work();
  into.push(systemClock.uptimeMs() - beganMs);
  return result;
}

function latency(times: readonly number[]): Latency {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number) => Number((sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1));
  return { p50: at(0.5), p99: at(0.99), max: at(1), requests: sorted.length };
}

if (import.meta.main) {
  const option = (name: string, standard: string) => {
    const index = process.argv.indexOf(`--${name}`);
    return index < 0 ? standard : (process.argv[index + 1] ?? standard);
  };
  const result = await runReadBench({
    brokers: option("brokers", "127.0.0.1:9092").split(","),
    rows: Number(option("rows", "1000000")),
    events: Number(option("events", "1000000")),
    ...(option("store", "") === "" ? {} : { store: option("store", "") }),
  });
  console.log(JSON.stringify(result, null, 2));
}
