/**
 * Hops between a real Flume 1.11 and Tailgate, both ways, by every way that `ways.ts` names, with the receiving side killed and
 * started again in the middle. TAILGATE_LONG=1 sends 200,000 events each way, otherwise 4,000.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Flume, linesBelow } from "../../../drivers/flume/flume.ts";
import { keysOf, type Way, waysOf } from "./ways.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");
const count = process.env.TAILGATE_LONG === "1" ? 200_000 : 4_000;
const within = { withinMs: 240_000, everyMs: 200 };

const dir = tempDir();
let ways: readonly Way[] = [];
let flume: Flume | undefined;
let edge: Child | undefined;

const body = (index: number) => `event ${index} n\u00f6rd "quoted" {brace} \\ ${"x".repeat(index % 80)}`;
const expected = Array.from({ length: count }, (_, index) => body(index));
const kindOf = ({ name }: Way) => `für ${name}`;

/** What Flume receives goes to files; what is put into its folders comes to us. */
function flumeConf(): string {
  const names = ways.map(({ name }) => name);
  const lists = {
    sources: [...names, ...names.map((name) => `spool-${name}`)].join(" "),
    channels: ["in", ...names.map((name) => `out-${name}`)].join(" "),
    sinks: ["files", ...names.map((name) => `to-${name}`)].join(" "),
  };
  const received = {
    type: "file_roll",
    channel: "in",
    "sink.directory": dir.file("received"),
    "sink.rollInterval": 0,
    "sink.serializer": "header_and_text",
    "sink.batchSize": 1000,
  };
  const kept = { type: "file", checkpointDir: dir.file("in/checkpoint"), dataDirs: dir.file("in/data") };
  const own = keysOf("a", lists) + keysOf("a.channels.in", kept) + keysOf("a.sinks.files", received);
  return own + ways.map(flumeWay).join("");
}

function flumeWay(way: Way): string {
  const { name, type, atFlume, atUs } = way;
  const spool = `a.sources.spool-${name}`;
  const to = { type, channel: `out-${name}`, hostname: "localhost", port: atUs, "batch-size": 500 };
  return [
    keysOf(`a.sources.${name}`, { type, bind: "127.0.0.1", port: atFlume, channels: "in", ...way.flumeSource }),
    keysOf(spool, { type: "spooldir", spoolDir: dir.file(`spool-${name}`), basenameHeader: "true" }),
    keysOf(spool, { batchSize: 500, "deserializer.maxLineLength": 100_000, channels: `out-${name}` }),
    keysOf(spool, { interceptors: "i", "interceptors.i.type": "static", "interceptors.i.key": "kind" }),
    keysOf(spool, { "interceptors.i.value": `f\\u00fcr ${name}` }),
    keysOf(`a.channels.out-${name}`, { type: "memory", capacity: 2_000, transactionCapacity: 500 }),
    keysOf(`a.sinks.to-${name}`, { ...to, ...way.flumeSink }),
  ].join("");
}

function edgeConf(): string {
  const channel = { type: "sqlite", freeDisk: 0, identity: false };
  const sources: Record<string, unknown> = {};
  const channels: Record<string, unknown> = { received: channel };
  const sinks: Record<string, unknown> = { received: { type: "logger", maxBytesToLog: 100_000, channel: "received" } };
  for (const way of ways) {
    const { name, type, atFlume, atUs, sink, source } = way;
    const marked = [{ type: "static", headers: { kind: kindOf(way) } }];
    sources[`spool-${name}`] = {
      type: "spooldir",
      path: dir.file(name),
      settle: 0,
      interceptors: marked,
      channels: name,
    };
    sources[`from-${name}`] = { type, address: `127.0.0.1:${atUs}`, channels: "received", ...source };
    channels[name] = channel;
    sinks[name] = { type, hostname: "127.0.0.1", port: atFlume, batchSize: 1_000, channel: name, ...sink };
  }
  return JSON.stringify({ agent: "gw-1", dataDir: dir.file("data"), linger: "20ms", sources, channels, sinks });
}

/** What our logger has shown, in all lives of the edge. */
const shown: { readonly headers: Readonly<Record<string, string>>; readonly body: string }[] = [];

function startEdge(): Child {
  return startChild({
    command: [process.execPath, main, "run", dir.file("tailgate.yaml")],
    cwd: dir.path,
    onLine: (line, stream) => {
      // A line that was cut by the kill is no line.
      if (stream === "stdout" && line.startsWith("{") && line.endsWith("}")) shown.push(JSON.parse(line));
    },
  });
}

/** Puts a file of lines into a spool folder of each way as it should be done. */
function put(prefix: string, name: string, from: number, to: number): void {
  const text = Array.from({ length: to - from }, (_, index) => `${body(from + index)}\n`).join("");
  for (const way of ways) {
    writeFileSync(dir.file("new"), text);
    renameSync(dir.file("new"), join(dir.file(`${prefix}${way.name}`), name));
  }
}

beforeAll(async () => {
  ways = await waysOf(dir);
  mkdirSync(dir.file("received"));
  for (const { name } of ways) for (const prefix of ["", "spool-"]) mkdirSync(dir.file(`${prefix}${name}`));
  writeFileSync(dir.file("tailgate.yaml"), edgeConf());
  edge = startEdge();
  flume = await Flume.start(dir.file("flume"), "a", flumeConf());
}, 120_000);

afterAll(async () => {
  await edge?.kill();
  await flume?.[Symbol.asyncDispose]();
  rmSync(dir.path, { recursive: true, force: true });
});

/** Bodies by header `kind`, as Flume's header_and_text wrote them: `{kind=…} body`. */
function atFlume(): ReadonlyMap<string, readonly string[]> {
  const lines = linesBelow(dir.file("received"));
  return new Map(
    ways.map((way) => {
      const start = `{kind=${kindOf(way)}} `;
      return [way.name, lines.filter((line) => line.startsWith(start)).map((line) => line.slice(start.length))];
    }),
  );
}

function atUs(): ReadonlyMap<string, readonly string[]> {
  return new Map(
    ways.map((way) => {
      const own = shown.filter(({ headers }) => headers.kind === kindOf(way));
      return [way.name, own.map(({ body: text }) => text)];
    }),
  );
}

function missingOf(found: readonly string[]): { missing: number; repeated: number; foreign: number } {
  const seen = new Map<string, number>();
  for (const line of found) seen.set(line, (seen.get(line) ?? 0) + 1);
  const missing = expected.filter((line) => !seen.delete(line)).length;
  let foreign = 0;
  for (const times of seen.values()) foreign += times;
  return { missing, repeated: found.length - (count - missing) - foreign, foreign };
}

/** Waits until something came by each way. */
async function begun(arrived: () => ReadonlyMap<string, readonly string[]>): Promise<void> {
  const waiting = () => [...arrived()].filter(([, lines]) => lines.length === 0).map(([name]) => name);
  await until("some to arrive by each way", waiting, (names) => names.length === 0, within);
}

/** Waits until nothing is missing, and looks that nothing else came. */
async function complete(what: string, arrived: () => ReadonlyMap<string, readonly string[]>): Promise<void> {
  const missing = () => [...arrived()].map(([name, lines]) => ({ name, ...missingOf(lines) }));
  const all = await until("all to arrive", missing, (each) => each.every((way) => way.missing === 0), within);
  for (const { name, repeated } of all)
    console.log(`${what}, ${name}: ${count} events, missing 0, repeated ${repeated}`);
  expect(all.filter(({ foreign }) => foreign > 0)).toEqual([]);
}

test("ours to Flume, Flume killed in the middle: headers and bodies as they were, none missing", async () => {
  put("", "a", 0, count / 2);
  await begun(atFlume);
  await flume?.end("SIGKILL");
  put("", "b", count / 2, count);
  await flume?.restart();
  await complete("ours to Flume", atFlume);
}, 300_000);

test("Flume to ours, ours killed in the middle: headers and bodies as they were, none missing", async () => {
  put("spool-", "a", 0, count / 2);
  await begun(atUs);
  await edge?.kill();
  put("spool-", "b", count / 2, count);
  edge = startEdge();
  await complete("Flume to ours", atUs);
  const headers = new Set(shown.map((event) => JSON.stringify(Object.entries(event.headers).sort())));
  const wanted = ways.flatMap((way) =>
    ["a", "b"].map((basename) =>
      JSON.stringify([
        ["basename", basename],
        ["kind", kindOf(way)],
      ]),
    ),
  );
  expect([...headers].sort()).toEqual(wanted.sort());
}, 300_000);
