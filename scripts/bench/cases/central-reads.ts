import { AppError } from "../../../shared/errors/app-error.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { produce, vehicleName } from "../central/produce.ts";
import { codes } from "../codes.ts";
import { quantile } from "../meters/statistics.ts";
import type { Metrics } from "../report/columns.ts";
import type { BenchCase } from "./case.ts";
import { CENTRAL } from "./central.ts";
import { eventsFromMs, startCentral, storedAtLeast } from "./central-recovery.ts";

const bigRows = 100_000_000;
/** What is still to come while requests are made. */
const comingMin = 3_000_000;
const vehicles = 100;
const hourMs = 3_600_000;

/** Reads over a full store while it is being written. */
export const centralReads: BenchCase = {
  name: "central-reads",
  title: "Reads over HTTP while ingest runs",
  about: "100 M rows stored, ingest at full rate: a vehicle's last state, a vehicle's hour of events (half an hour)",
  method:
    "Events wait in the topic. When 100 M rows are stored, storing goes on with a tenth of that at full rate. Meanwhile " +
    "requests are made over HTTP, one after the other, for vehicles and hours at random: a vehicle with its last state, " +
    "then an hour of its events (3,600).",
  page: "central",
  size: "big",
  peers: false,
  rows: "median",
  columns: ["p50Ms", "p99Ms", "maxMs", "requests", "eventsPerSecond"],
  targets: [
    { variant: "last state of a vehicle", column: "p99Ms", atMost: 10 },
    { variant: "one vehicle-hour of events", column: "p99Ms", atMost: 50 },
  ],
  async *run(bench) {
    const rows = bench.options.quick ? bench.options.lines : bigRows;
    const events = rows + Math.max(comingMin, rows / 10);
    const topic = `reads-${process.pid}`;
    const brokers = [bench.broker.internalAddress];
    bench.progress(`producing ${events.toLocaleString("en")} events`);
    await produce({ brokers, topic, partitions: 4, events, vehicles, startMs: eventsFromMs });
    await using central = await startCentral(bench, topic, topic);
    bench.progress(`storing ${rows.toLocaleString("en")} rows`);
    const before = await storedAtLeast(central, rows);
    const began = performance.now();
    const random = seededRandom(1);
    const hours = Math.max(1, Math.floor(rows / vehicles / 3600));
    const states: number[] = [];
    const pages: number[] = [];
    let stored = before.stored;
    let seconds = 0;
    while (stored < events) {
      const vehicle = vehicleName(Math.floor(random.next() * vehicles));
      const from = eventsFromMs + Math.floor(random.next() * hours) * hourMs;
      states.push(await timed(`${central.url}/api/v1/vehicles/${vehicle}`));
      const range = `from=${from}&to=${from + hourMs}&limit=10000`;
      pages.push(await timed(`${central.url}/api/v1/events?vehicle=${vehicle}&${range}`));
      if (states.length % 10 !== 0) continue;
      seconds = (performance.now() - began) / 1000;
      stored = (await central.status()).stored;
    }
    const eventsPerSecond = (stored - before.stored) / seconds;
    yield { subject: CENTRAL, variant: "last state of a vehicle", metrics: { ...latency(states), eventsPerSecond } };
    yield { subject: CENTRAL, variant: "one vehicle-hour of events", metrics: { ...latency(pages), eventsPerSecond } };
    await bench.topics.delete(topic);
  },
};

/** From the request to the last byte of its answer. */
async function timed(url: string): Promise<number> {
  const started = performance.now();
  const answer = await fetch(url);
  await answer.arrayBuffer();
  if (!answer.ok) throw new AppError(codes.BENCH_FAILED, `read ${url}: HTTP ${answer.status}`);
  return performance.now() - started;
}

function latency(values: readonly number[]): Metrics {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: quantile(sorted, 1),
    requests: sorted.length,
  };
}
