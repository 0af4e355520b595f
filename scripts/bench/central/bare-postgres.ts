/** What Bun's SQL client reaches by itself: the same rows into a table with the same index, and nothing else. */
import { SQL } from "bun";
import { copyChunks, copyInto } from "../../../central/store/postgres/events/copy.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { line } from "./produce.ts";

/** How the rows are handed over. */
export type BareWay = "copy" | "insert";

/** What a run came to. */
export interface BareResult {
  readonly eventsPerSecond: number;
  /** Of this process. */
  readonly cpuSecondsPerMillion: number;
}

interface BareRow {
  readonly series: number;
  readonly time: number;
  readonly offset: number;
  readonly value: Buffer;
}

/** As central's transactions at most. */
const rowsPerTransaction = 25_000;

/** Rows of as many vehicles, interleaved, in transactions of 25,000. The values are made before the time is taken. */
export async function runBare(
  address: string,
  way: BareWay,
  { events, vehicles, startMs }: { readonly events: number; readonly vehicles: number; readonly startMs: number },
): Promise<BareResult> {
  const sql = new SQL(address, { max: 1 });
  try {
    await sql
      .unsafe(
        `drop table if exists bare;
         create table bare (day integer not null, series bigint not null, time bigint not null, lane bigint not null,
           seq bigint not null, source integer not null, "offset" bigint not null, value bytea);
         create index on bare (series, time, source, "offset")`,
      )
      .simple();
    let ms = 0;
    let cpu = 0;
    for (let first = 0; first < events; first += rowsPerTransaction) {
      const rows = Array.from({ length: Math.min(rowsPerTransaction, events - first) }, (_, index) => {
        const offset = first + index;
        const time = startMs + Math.floor(offset / vehicles) * 1_000;
        const series = offset % vehicles;
        return { series, time, offset, value: Buffer.from(line(series, offset, time)) };
      });
      const beganMs = systemClock.uptimeMs();
      const began = process.cpuUsage();
      await sql.begin((tx) => (way === "copy" ? copyRows(tx, rows) : insertRows(tx, rows)));
      const { user, system } = process.cpuUsage(began);
      ms += systemClock.uptimeMs() - beganMs;
      cpu += (user + system) / 1e6;
    }
    return { eventsPerSecond: Math.round((events * 1_000) / ms), cpuSecondsPerMillion: (cpu * 1e6) / events };
  } finally {
    await sql.unsafe("drop table if exists bare");
    await sql.close();
  }
}

async function copyRows(sql: SQL, rows: readonly BareRow[]): Promise<void> {
  const chunks = copyChunks(rows, (row, { series, time, offset, value }) => {
    row.row(8);
    row.int4(1);
    row.int8(series);
    row.int8(time);
    row.int8(1);
    row.int8(offset);
    row.int4(1);
    row.int8(offset);
    row.bytea(value);
  });
  await copyInto(sql, `bare (day, series, time, lane, seq, source, "offset", value)`, chunks);
}

async function insertRows(sql: SQL, rows: readonly BareRow[]): Promise<void> {
  const numbers = (of: (row: BareRow) => number) => sql.array(rows.map(of), "BIGINT");
  const values = sql.array(
    rows.map(({ value }) => value),
    "BYTEA",
  );
  await sql`
    insert into bare select 1, series, time, 1, seq, 1, seq, value
    from unnest(${numbers(({ series }) => series)}, ${numbers(({ time }) => time)}, ${numbers(({ offset }) => offset)}, ${values})
      as n (series, time, seq, value)`;
}
