import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";
import { type BareWay, runBare } from "../central/bare-postgres.ts";
import { runCentralBench } from "../central/ingest.bench.ts";
import type { BenchCase } from "./case.ts";
import { CENTRAL } from "./central.ts";

const variants = [
  { variant: "100 vehicles", vehicles: 100 },
  { variant: "10,000 vehicles, interleaved", vehicles: 10_000 },
] as const;

const bareWays: readonly { readonly way: BareWay; readonly subject: string }[] = [
  { way: "copy", subject: "Bun's SQL client alone, COPY" },
  { way: "insert", subject: "Bun's SQL client alone, insert of arrays" },
];

const megabytesPerMebibyte = 1024 ** 2 / 1e6;

/** The PostgreSQL store beside a client that does nothing else. */
export const centralPostgres: BenchCase = {
  name: "central-postgres",
  title: "From the topic to PostgreSQL",
  about: "--lines events from the topic into the PostgreSQL store, beside Bun's client writing the same rows",
  method:
    "As above, into a PostgreSQL of this machine with its own settings for durability. In the same run, on the same server, " +
    "Bun's SQL client alone writes the same rows into one table with the same index, 25,000 a transaction, without a topic, a " +
    "ledger, a last state or a position. The CPU of all processes of the server is counted apart.",
  page: "central",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: [
    "eventsPerSecond",
    "cpuPerMillion",
    "serverCpuPerMillion",
    "rssPeakMb",
    "storedPerEvent",
    "lost",
    "repeated",
  ],
  targets: [
    { variant: "100 vehicles", column: "lost", atMost: 0 },
    { variant: "100 vehicles", column: "repeated", atMost: 0 },
  ],
  async *run(bench) {
    const { lines, runs } = bench.options;
    await using server = await PostgresServer.start({ settings: ["shared_buffers=256MB", "max_wal_size=2GB"] });
    for (let run = 0; run < runs; run++) {
      for (const { variant, vehicles } of variants) {
        // So that its days are near the clock: each has a table.
        const startMs = systemClock.now() - 3 * 86_400_000;
        const rows = { events: lines, vehicles, startMs };
        const database = await server.createDatabase();
        const address = server.address(database);
        const before = serverCpu(server.pid);
        const result = await runCentralBench({
          ...rows,
          brokers: [bench.broker.internalAddress],
          store: { address, bytes: () => databaseBytes(server, database) },
        });
        const metrics = {
          eventsPerSecond: result.eventsPerSecond,
          cpuPerMillion: result.cpuSecondsPerMillion,
          serverCpuPerMillion: ((serverCpu(server.pid) - before) * 1e6) / lines,
          rssPeakMb: result.rssPeakMiB * megabytesPerMebibyte,
          storedPerEvent: result.storeBytesPerEvent,
          lost: result.missing,
          repeated: result.repeated,
        };
        yield { subject: CENTRAL, variant, metrics };
        for (const { way, subject } of bareWays) {
          const beforeBare = serverCpu(server.pid);
          const bare = await runBare(address, way, rows);
          const serverCpuPerMillion = ((serverCpu(server.pid) - beforeBare) * 1e6) / lines;
          const { eventsPerSecond, cpuSecondsPerMillion: cpuPerMillion } = bare;
          yield { subject, variant, metrics: { eventsPerSecond, cpuPerMillion, serverCpuPerMillion } };
        }
      }
    }
  },
};

async function databaseBytes(server: PostgresServer, database: string): Promise<number> {
  const sql = server.connect(database);
  try {
    const [row] = await sql<{ bytes: number }[]>`select pg_database_size(current_database())::float8 as bytes`;
    return row?.bytes ?? 0;
  } finally {
    await sql.close();
  }
}

/** CPU seconds of a server's first process and of its children, those that have ended among them (proc(5), stat). */
function serverCpu(pid: number): number {
  let ticks = 0;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(name);
    if (fields === undefined) continue;
    const [parent, own, system, childrenOwn, childrenSystem] = [1, 11, 12, 13, 14].map((index) =>
      Number(fields[index]),
    );
    if (Number(name) === pid) ticks += (own ?? 0) + (system ?? 0) + (childrenOwn ?? 0) + (childrenSystem ?? 0);
    else if (parent === pid) ticks += (own ?? 0) + (system ?? 0);
  }
  return ticks / 100;
}

function statOf(name: string): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${name}/stat`, "utf8").split(") ")[1]?.split(" ");
  } catch {
    return undefined; // It has ended meanwhile.
  }
}
