/**
 * Hops between a real Flume 1.11 and Tailgate over Avro, both ways, plain and compressed, with the receiving side killed and
 * started again in the middle. TAILGATE_LONG=1 sends 200,000 events each way, otherwise 10,000.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Flume, linesBelow } from "../../../drivers/flume/flume.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");
const count = process.env.TAILGATE_LONG === "1" ? 200_000 : 10_000;
const within = { withinMs: 240_000, everyMs: 200 };

const dir = tempDir();
let ports = { plain: 0, deflate: 0, ours: 0, oursDeflate: 0 };
let flume: Flume | undefined;
let edge: Child | undefined;

const body = (index: number) => `event ${index} n\u00f6rd "quoted" {brace} \\ ${"x".repeat(index % 80)}`;

/** What Flume receives goes to files; what is put into its folders comes to us. */
const flumeConf = () => `a.sources = plain deflate toPlain toDeflate
a.channels = in out outDeflate
a.sinks = files send sendDeflate
a.sources.plain.type = avro
a.sources.plain.bind = 127.0.0.1
a.sources.plain.port = ${ports.plain}
a.sources.plain.channels = in
a.sources.deflate.type = avro
a.sources.deflate.bind = 127.0.0.1
a.sources.deflate.port = ${ports.deflate}
a.sources.deflate.compression-type = deflate
a.sources.deflate.channels = in
a.channels.in.type = file
a.channels.in.checkpointDir = ${dir.file("in/checkpoint")}
a.channels.in.dataDirs = ${dir.file("in/data")}
a.sinks.files.type = file_roll
a.sinks.files.channel = in
a.sinks.files.sink.directory = ${dir.file("received")}
a.sinks.files.sink.rollInterval = 0
a.sinks.files.sink.serializer = header_and_text
a.sinks.files.sink.batchSize = 1000
${sender("toPlain", "out", "send", ports.ours, "none")}
${sender("toDeflate", "outDeflate", "sendDeflate", ports.oursDeflate, "deflate")}
`;

const sender = (source: string, channel: string, sink: string, port: number, compression: string) => `
a.sources.${source}.type = spooldir
a.sources.${source}.spoolDir = ${dir.file(source)}
a.sources.${source}.basenameHeader = true
a.sources.${source}.batchSize = 500
a.sources.${source}.deserializer.maxLineLength = 100000
a.sources.${source}.interceptors = i
a.sources.${source}.interceptors.i.type = static
a.sources.${source}.interceptors.i.key = kind
a.sources.${source}.interceptors.i.value = f\\u00fcr ${compression}
a.sources.${source}.channels = ${channel}
a.channels.${channel}.type = file
a.channels.${channel}.checkpointDir = ${dir.file(`${channel}/checkpoint`)}
a.channels.${channel}.dataDirs = ${dir.file(`${channel}/data`)}
a.sinks.${sink}.type = avro
a.sinks.${sink}.channel = ${channel}
a.sinks.${sink}.hostname = 127.0.0.1
a.sinks.${sink}.port = ${port}
a.sinks.${sink}.batch-size = 500
a.sinks.${sink}.compression-type = ${compression}
`;

const edgeConf = () => `agent: gw-1
dataDir: ${dir.file("data")}
linger: 20ms
sources:
  plain: { type: spooldir, path: ${dir.file("plain")}, settle: 0, interceptors: [{ type: static, headers: { kind: für plain } }], channels: plain }
  deflate: { type: spooldir, path: ${dir.file("deflate")}, settle: 0, interceptors: [{ type: static, headers: { kind: für deflate } }], channels: deflate }
  fromFlume: { type: avro, address: "127.0.0.1:${ports.ours}", channels: received }
  fromFlumeDeflate: { type: avro, address: "127.0.0.1:${ports.oursDeflate}", compression: deflate, channels: received }
channels:
  plain: { type: sqlite, freeDisk: 0, identity: false }
  deflate: { type: sqlite, freeDisk: 0, identity: false }
  received: { type: sqlite, freeDisk: 0, identity: false }
sinks:
  plain: { type: avro, hostname: 127.0.0.1, port: ${ports.plain}, batchSize: 1000, channel: plain }
  deflate: { type: avro, hostname: 127.0.0.1, port: ${ports.deflate}, compression: deflate, batchSize: 1000, channel: deflate }
  received: { type: logger, maxBytesToLog: 100000, channel: received }
`;

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

/** Puts a file of lines into a spool folder as it should be done. */
function put(folder: string, name: string, from: number, to: number): void {
  const lines = Array.from({ length: to - from }, (_, index) => `${body(from + index)}\n`);
  writeFileSync(dir.file("new"), lines.join(""));
  renameSync(dir.file("new"), join(dir.file(folder), name));
}

beforeAll(async () => {
  const [plain, deflate, ours, oursDeflate] = [await freePort(), await freePort(), await freePort(), await freePort()];
  ports = { plain, deflate, ours, oursDeflate };
  for (const folder of ["plain", "deflate", "toPlain", "toDeflate", "received"]) mkdirSync(dir.file(folder));
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
function atFlume(kind: string): readonly string[] {
  const start = `{kind=${kind}} `;
  return linesBelow(dir.file("received"))
    .filter((line) => line.startsWith(start))
    .map((line) => line.slice(start.length));
}

const expected = Array.from({ length: count }, (_, index) => body(index));

function missingOf(found: readonly string[]): { missing: number; repeated: number; foreign: number } {
  const seen = new Map<string, number>();
  for (const line of found) seen.set(line, (seen.get(line) ?? 0) + 1);
  const missing = expected.filter((line) => !seen.delete(line)).length;
  return { missing, repeated: found.length - (count - missing) - sum(seen.values()), foreign: seen.size };
}

function sum(values: Iterable<number>): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}

test.each(["plain", "deflate"])(
  "ours to Flume, %s, Flume killed in the middle: headers and bodies as they were, none missing",
  async (way) => {
    const half = count / 2;
    put(way, "a", 0, half);
    await until(
      "some to arrive",
      () => atFlume(`für ${way}`).length,
      (length) => length > 0,
      within,
    );
    await flume?.end("SIGKILL");
    put(way, "b", half, count);
    await flume?.restart();
    const all = await until(
      "all to arrive",
      () => missingOf(atFlume(`für ${way}`)),
      ({ missing }) => missing === 0,
      within,
    );
    console.log(`ours to Flume, ${way}: ${count} events, missing ${all.missing}, repeated ${all.repeated}`);
    expect(all).toMatchObject({ missing: 0, foreign: 0 });
  },
  300_000,
);

test.each([
  ["toPlain", "none"],
  ["toDeflate", "deflate"],
])(
  "Flume to ours, %s, ours killed in the middle: headers and bodies as they were, none missing",
  async (folder, compression) => {
    const own = () => shown.filter(({ headers }) => headers.kind === `für ${compression}`);
    const printed = () => own().map(({ body: text }) => text);
    put(folder, "a", 0, count / 2);
    await until(
      "some to arrive",
      () => printed().length,
      (length) => length > 0,
      within,
    );
    await edge?.kill();
    put(folder, "b", count / 2, count);
    edge = startEdge();
    const all = await until(
      "all to arrive",
      () => missingOf(printed()),
      ({ missing }) => missing === 0,
      within,
    );
    console.log(`Flume to ours, ${folder}: ${count} events, missing ${all.missing}, repeated ${all.repeated}`);
    expect(all).toMatchObject({ missing: 0, foreign: 0 });
    expect([...new Set(own().map(({ headers }) => JSON.stringify(Object.entries(headers).sort())))].sort()).toEqual(
      ["a", "b"].map((basename) =>
        JSON.stringify([
          ["basename", basename],
          ["kind", `für ${compression}`],
        ]),
      ),
    );
  },
  300_000,
);
