/**
 * The views over the lake, by DuckDB through central's catalog, beside the same computed here line by line. Lines come late, out of order,
 * repeated, and as anything but JSON; at each snapshot the views are those of the lines up to its offsets.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { LakeCatalog } from "../../../central/lake/catalog.ts";
import type { Row } from "../../../central/lake/row.ts";
import { noLake } from "../../../central/lake/snapshot.ts";
import { append, line, openTable, rowAt } from "../../../central/lake/testing/rows.ts";
import { compact } from "../../../central/lake/upkeep/compaction.ts";
import { TestApi } from "../../../central/testing/api.ts";
import { noonMs } from "../../../central/testing/records.ts";
import { type Random, seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { queryLake } from "../../drivers/lake/lake-readers.ts";

const folder = new URL("../../../central/lake/views/", import.meta.url);
const files = ["line", "lines", "driving", "battery"] as const;
const views = files.map((name) => readFileSync(new URL(`${name}.sql`, folder), "utf8"));
const dayMs = 86_400_000;

const speed = '"Speed"';
const battery = '"LowVoltageBattery.CurrentVoltage"';

/** Bodies that are no reading, and what they count as. */
const odd: readonly (readonly [body: Buffer | null, is: "undecoded" | "no speed" | "no battery" | "neither"])[] = [
  [null, "undecoded"],
  [Buffer.from(""), "undecoded"],
  [Buffer.from([0xff, 0, 0x80]), "undecoded"],
  [Buffer.from(`{${speed}:1`), "undecoded"],
  [Buffer.from(`[{${speed}:1}]`), "undecoded"],
  [Buffer.from("7"), "undecoded"],
  [Buffer.from("null"), "undecoded"],
  [Buffer.from(`{${speed}:"50"}`), "no speed"],
  [Buffer.from(`{${speed}:null}`), "no speed"],
  [Buffer.from(`{${speed}:1e999}`), "no speed"],
  [Buffer.from(`{${speed}:true}`), "no speed"],
  [Buffer.from(`{${speed}:{"value":3}}`), "no speed"],
  [Buffer.from(`{${battery}:""}`), "no battery"],
  [Buffer.from(`{${battery}:[12]}`), "no battery"],
  [Buffer.from(`{"Chassis":{${speed}:5},"LowVoltageBattery":{"CurrentVoltage":1}}`), "neither"],
  [Buffer.from("{}"), "neither"],
];

interface Line {
  readonly row: Row;
  readonly is: "reading" | (typeof odd)[number][1];
  readonly speed?: number;
  readonly battery?: number;
}

/** So many lines of five vehicles in three days, about as a fleet with bad radio and bad loggers sends them. */
function linesOf(random: Random, count: number): Line[] {
  const below = (end: number) => Math.floor(random.next() * end);
  const lines: Line[] = [];
  for (let offset = 0; offset < count; offset++) {
    const earlier = lines[below(offset)];
    if (earlier !== undefined && random.next() < 0.1) {
      lines.push({ ...earlier, row: { ...earlier.row, offset, kafkaMs: noonMs + offset } });
      continue;
    }
    const lateMs = random.next() < 0.2 ? below(2 * dayMs) : below(4_000);
    const bare = random.next() < 0.1 ? { agent: null, epoch: null, lane: null, seq: null } : {};
    const shed = random.next() < 0.03 ? { shedTo: offset + 5, shedReason: "space" } : {};
    const base = { vehicle: `car-${below(5)}`, eventMs: noonMs + offset * 1_500 - lateMs, ...bare, ...shed };
    const [body, is] = odd[below(odd.length)] ?? [null, "undecoded"];
    if (random.next() < 0.2) lines.push({ row: rowAt(offset, { ...base, body }), is });
    else lines.push(reading(rowAt(offset, base), random));
  }
  return lines;
}

function reading(row: Row, random: Random): Line {
  const number = (most: number) => Math.round(random.next() * most * 1_000) / 1_000;
  const has = {
    ...(random.next() < 0.8 ? { speed: number(140) } : {}),
    ...(random.next() < 0.5 ? { battery: number(14) } : {}),
  };
  const fields = { Speed: has.speed, "LowVoltageBattery.CurrentVoltage": has.battery, note: "ü😀" };
  return { row: { ...row, body: Buffer.from(JSON.stringify(fields)) }, is: "reading", ...has };
}

type ViewRows = readonly (readonly unknown[])[];

/** The three views of these lines. */
function expected(lines: readonly Line[]): Record<"lines" | "driving" | "battery", ViewRows> {
  const seen = new Set<string>();
  const days = new Map<string, Line[]>();
  for (const one of lines) {
    const { vehicle, eventMs, agent, seq, shedTo, offset } = one.row;
    const key = JSON.stringify([vehicle, new Date(eventMs).toISOString().slice(0, 10)]);
    const identity = `${key} ${agent === null ? `offset ${offset}` : `seq ${seq}`}`;
    if (shedTo !== null || seen.has(identity)) continue;
    seen.add(identity);
    days.set(key, [...(days.get(key) ?? []), one]);
  }
  const all = [...days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, of]) => ({ key: JSON.parse(key), of }));
  return {
    lines: all.map(({ key, of }) => {
      const times = of.map(({ row }) => row.eventMs);
      const undecoded = of.filter(({ is }) => is === "undecoded").length;
      return [...key, of.length, undecoded, Math.min(...times), Math.max(...times)];
    }),
    driving: all.flatMap(({ key, of }) => drivingOf(key, of)),
    battery: all.flatMap(({ key, of }) => {
      const volts = of.flatMap(({ battery: found }) => found ?? []);
      const notNumbers = of.filter(({ is }) => is === "no battery").length;
      if (volts.length + notNumbers === 0) return [];
      return [[...key, volts.length, notNumbers, volts.length === 0 ? null : Math.min(...volts)]];
    }),
  };
}

/** In whole numbers: metres an hour, and milliseconds. */
function drivingOf(key: readonly unknown[], of: readonly Line[]): ViewRows {
  const readings = of
    .flatMap(({ row, speed: found }) => (found === undefined ? [] : [{ row, speed: Math.round(found * 1_000) }]))
    .sort((a, b) => a.row.eventMs - b.row.eventMs || a.row.offset - b.row.offset);
  const notNumbers = of.filter(({ is }) => is === "no speed").length;
  if (readings.length + notNumbers === 0) return [];
  let [pairs, twice, harsh] = [0, 0, 0];
  for (const [index, { row, speed: now }] of readings.entries()) {
    const before = readings[index - 1];
    const ms = row.eventMs - (before?.row.eventMs ?? 0);
    if (before === undefined || ms < 1 || ms > 10_000) continue;
    pairs++;
    twice += (before.speed + now) * ms;
    if ((before.speed - now) * 10 > 216 * ms) harsh++;
  }
  const micrometres = Math.round(twice / 7.2);
  return [[...key, readings.length, notNumbers, ...(pairs === 0 ? [null, null] : [micrometres, harsh])]];
}

/** What the views say, as `expected` has it; of a snapshot, or now. */
async function found(url: string, snapshot: number | undefined): Promise<ReturnType<typeof expected>> {
  const at = snapshot === undefined ? "" : ` at (version => ${snapshot})`;
  const made = views.map((view) => view.replace("lake.tailgate.events", `lake.tailgate.events${at}`));
  const list = (view: string, columns: string) =>
    `(select coalesce(to_json(list(json_array(vehicle, cast(day as varchar), ${columns}) order by vehicle, day)), '[]') from vehicle_day_${view})`;
  const lists = [
    list("lines", "lines, undecoded, first_ms, last_ms"),
    list("driving", "readings, not_numbers, cast(round(distance_km * 1e9) as bigint), harsh_braking"),
    list("battery", "readings, not_numbers, cast(lowest_v as double)"),
  ];
  const [row] = await queryLake(url, [
    "set timezone = 'Pacific/Kiritimati'",
    ...made,
    `select json_array(${lists.join(", ")})`,
  ]);
  const [text] = Array.isArray(row) ? row : [];
  const [lines, driving, volts] = JSON.parse(String(text));
  return { lines, driving, battery: volts };
}

let api: TestApi;
let server: ReturnType<typeof Bun.serve>;
const dir = tempDir("tailgate-views-");

beforeAll(() => {
  const lake = { catalog: new LakeCatalog({ directory: dir.path }), snapshot: () => noLake };
  api = new TestApi({ lake });
  server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => api.api.fetch(request) });
});

afterAll(async () => {
  await server.stop(true);
  await api[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

test("each view is what its lines say, at every snapshot", async () => {
  const random = seededRandom(20_261_128);
  const lines = linesOf(random, 4_000);
  const table = openTable(dir.file("events"));
  const cuts: { readonly snapshot: number | undefined; readonly next: number }[] = [];
  for (let next = 0; next < lines.length; ) {
    const rows = lines.slice(next, next + 1 + Math.floor(random.next() * 800)).map(({ row }) => row);
    append(table, rows);
    next = table.positions().at(line) ?? next;
    cuts.push({ snapshot: table.metadata["current-snapshot-id"], next });
    if (random.next() < 0.5) await compact(table);
  }
  const url = `http://127.0.0.1:${server.port}`;
  for (const { snapshot, next } of [...cuts, { snapshot: undefined, next: lines.length }]) {
    const wanted = expected(lines.slice(0, next));
    expect(await found(url, snapshot)).toEqual(wanted);
    expect(wanted.driving.some(([, , , , , harsh]) => Number(harsh) > 0)).toBe(true);
  }
}, 120_000);
