/**
 * Topic → store, measured from outside: a central of its own as a child process, its CPU and memory from /proc, its
 * progress over its own HTTP API. The topic is filled before, so that the figure is the speed of catching up.
 *
 *     bun scripts/bench/central/ingest.bench.ts --brokers 127.0.0.1:9092 --events 1000000 --vehicles 100
 *     … --rules scripts/bench/central/ten-rules.yaml       the same with ten rules
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { makeSigningKey, readSigningKey, type SigningKey } from "../../../shared/signature/keys.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { produce } from "./produce.ts";
import { produceSigned } from "./produce-signed.ts";

export interface CentralBenchOptions {
  readonly brokers: readonly string[];
  readonly events: number;
  readonly vehicles: number;
  readonly partitions?: number;
  /** A topic that `produce` has filled before; made when not given. */
  readonly topic?: string;
  /** Event time of the first one. */
  readonly startMs?: number;
  /** In place of a SQLite file of its own: where it is, and how large it has become. */
  readonly store?: { readonly address: string; bytes(): Promise<number> };
  /** Rules over the events; none when not given. */
  readonly rulesFile?: string | undefined;
  /** Batches are signed, and records in others refused. */
  readonly signed?: boolean;
  /** The same for a topic that was filled before, with this key. */
  readonly signedBy?: SigningKey | undefined;
}

export interface CentralBenchResult {
  readonly events: number;
  readonly vehicles: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly cpuSecondsPerMillion: number;
  readonly rssPeakMiB: number;
  readonly anonymousMiB: number;
  readonly storeBytesPerEvent: number;
  readonly writtenBytesPerEvent: number;
  readonly missing: number;
  readonly repeated: number;
}

/** One run on a store of its own, which goes with it. */
export async function runCentralBench(options: CentralBenchOptions): Promise<CentralBenchResult> {
  const { brokers, events, vehicles, partitions = 4, startMs = 1_760_000_000_000 } = options;
  const key = options.signed === true ? newKey() : options.signedBy;
  const topic = options.topic ?? `central-bench-${vehicles}-${Math.round(systemClock.now())}`;
  if (options.topic === undefined) {
    const filling = { brokers, topic, partitions, events, vehicles, startMs };
    await (key === undefined ? produce(filling) : produceSigned(filling, key));
  }
  using dir = tempDir("tailgate-central-bench-");
  if (key !== undefined) writeFileSync(dir.file("bench.keys"), `bench ${key.publicText}\n`);
  const store = options.store?.address ?? dir.file("central.db");
  const port = await freePort();
  await using central = startChild({
    name: "central",
    command: [process.execPath, new URL("../../../central/main.ts", import.meta.url).pathname],
    env: {
      ...process.env,
      KAFKA_BROKERS: brokers.join(","),
      TAILGATE_TOPICS: topic,
      TAILGATE_GROUP: topic,
      TAILGATE_STORE: store,
      TAILGATE_LISTEN: `127.0.0.1:${port}`,
      TAILGATE_LOG_LEVEL: "warn",
      ...(options.rulesFile === undefined ? {} : { TAILGATE_RULES_FILE: options.rulesFile }),
      ...(key === undefined ? {} : { TAILGATE_SIGNATURES: "require", TAILGATE_SIGNATURE_KEYS: dir.file("bench.keys") }),
    },
  });
  const status = () => readStatus(port);
  const begun = await until("the first event to be stored", status, ({ stored }) => stored > 0, {
    withinMs: 60_000,
    everyMs: 5,
  });
  const beganMs = systemClock.uptimeMs();
  const cpuAtBegin = cpuSeconds(central.pid);
  const done = await until("all events to be stored", status, ({ stored }) => stored >= events, {
    withinMs: 600_000,
    everyMs: 20,
  });
  const seconds = (systemClock.uptimeMs() - beganMs) / 1000;
  const counted = done.stored - begun.stored;
  const cpu = cpuSeconds(central.pid) - cpuAtBegin;
  const memory = readFileSync(`/proc/${central.pid}/status`, "utf8");
  const written = Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${central.pid}/io`, "utf8"))?.[1] ?? 0);
  await central.stop();
  const size = (await options.store?.bytes()) ?? fileBytes(store);
  return {
    events,
    vehicles,
    seconds,
    eventsPerSecond: Math.round(counted / seconds),
    cpuSecondsPerMillion: Number(((cpu * 1e6) / counted).toFixed(2)),
    rssPeakMiB: kibibytes(memory, "VmHWM"),
    anonymousMiB: kibibytes(memory, "RssAnon"),
    storeBytesPerEvent: Number((size / events).toFixed(1)),
    writtenBytesPerEvent: Number((written / events).toFixed(1)),
    missing: done.missing,
    repeated: done.repeated,
  };
}

function fileBytes(store: string): number {
  return [store, `${store}-wal`].reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0);
}

/** A key of the gateway "bench". */
export function newKey(): SigningKey {
  const read = readSigningKey(makeSigningKey());
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

interface Status {
  readonly stored: number;
  readonly missing: number;
  readonly repeated: number;
}

async function readStatus(port: number): Promise<Status> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/status`);
  const body: unknown = await response.json();
  const number = (name: string) =>
    Number(
      typeof body === "object" && body !== null ? (Object.entries(body).find(([key]) => key === name)?.[1] ?? 0) : 0,
    );
  return { stored: number("stored"), missing: number("missing"), repeated: number("repeated") };
}

/** User and system time of all threads; 100 ticks a second (proc(5), fields 14 and 15). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function kibibytes(text: string, field: string): number {
  return Math.round(Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) / 1024);
}

if (import.meta.main) {
  const option = (name: string, standard: string) => {
    const index = process.argv.indexOf(`--${name}`);
    return index < 0 ? standard : (process.argv[index + 1] ?? standard);
  };
  const result = await runCentralBench({
    brokers: option("brokers", "127.0.0.1:9092").split(","),
    events: Number(option("events", "1000000")),
    vehicles: Number(option("vehicles", "100")),
    rulesFile: option("rules", "") || undefined,
    signed: process.argv.includes("--signed"),
  });
  console.log(JSON.stringify(result, null, 2));
}
