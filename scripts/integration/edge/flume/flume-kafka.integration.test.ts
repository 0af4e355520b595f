/**
 * A topic between a real Flume 1.11 and us. As channel: what we put a Flume takes, what it puts we take, with either side killed in
 * the middle; and both on one topic in one consumer group, each with a source and a sink. With `useFlumeEventFormat`: from our sink to
 * its source and back. TAILGATE_LONG=1 sends 100,000 events each way, otherwise 6,000.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Flume } from "../../../drivers/flume/flume.ts";
import { type Broker, startBroker } from "../../../drivers/kafka/broker.ts";
import { createTopic, topicRecords } from "../../../drivers/kafka/topic.ts";
import { keysOf } from "./ways.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");
const count = process.env.TAILGATE_LONG === "1" ? 100_000 : 6_000;
const within = { withinMs: 90_000, everyMs: 500 };
const kind = "für alle";

const dir = tempDir();
let broker: Broker;
let flume: Flume;
let edge: Child;

/** A line of any bytes but a line end; those of a Flume's source are text. */
function body(who: string, index: number): Buffer {
  const text = Buffer.from(`${who} event ${index} n\u00f6rd "quoted" {brace} \\ ${"x".repeat(index % 80)}`);
  const any = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10));
  return who === "ours" ? Buffer.concat([text, any.subarray(0, index % 256)]) : text;
}

/** Puts a file of lines into a spool folder, as it should be done. */
function spool(folder: string, who: string, from: number, to: number): void {
  const lines = Array.from({ length: to - from }, (_, index) => [body(who, from + index), Buffer.from("\n")]);
  writeFileSync(dir.file("new"), Buffer.concat(lines.flat()));
  renameSync(dir.file("new"), dir.file(`${folder}/${who}-${from}`));
}

const channel = (topic: string) => ({
  type: "org.apache.flume.channel.kafka.KafkaChannel",
  "kafka.bootstrap.servers": broker.address,
  "kafka.topic": topic,
  "kafka.consumer.auto.offset.reset": "earliest",
  "kafka.consumer.session.timeout.ms": 6_000,
});

function flumeConf(): string {
  const files = (folder: string) => ({
    type: "file_roll",
    "sink.directory": dir.file(folder),
    "sink.rollInterval": 0,
    "sink.serializer": "header_and_text",
    "sink.batchSize": 500,
  });
  const lines = (folder: string) => ({
    type: "spooldir",
    spoolDir: dir.file(folder),
    basenameHeader: "true",
    batchSize: 500,
  });
  const marked = (source: string) =>
    keysOf(`a.sources.${source}`, { interceptors: "i", "interceptors.i.type": "static" }) +
    keysOf(`a.sources.${source}.interceptors.i`, { key: "kind", value: "f\\u00fcr alle" });
  return [
    keysOf("a", {
      sources: "spool mixed wrapped topic",
      channels: "out in shared toTopic toFiles",
      sinks: "files both sent received",
    }),
    keysOf("a.sources.spool", { ...lines("flume-spool"), "deserializer.maxLineLength": 100_000, channels: "out" }),
    keysOf("a.sources.mixed", { ...lines("flume-mixed"), "deserializer.maxLineLength": 100_000, channels: "shared" }),
    keysOf("a.sources.wrapped", {
      ...lines("flume-wrapped"),
      "deserializer.maxLineLength": 100_000,
      channels: "toTopic",
    }),
    keysOf("a.sources.topic", {
      type: "org.apache.flume.source.kafka.KafkaSource",
      "kafka.bootstrap.servers": broker.address,
      "kafka.topics": "wrapped-by-us",
      "kafka.consumer.auto.offset.reset": "earliest",
      useFlumeEventFormat: "true",
      batchSize: 500,
      channels: "toFiles",
    }),
    marked("spool"),
    marked("mixed"),
    marked("wrapped"),
    ...["toTopic", "toFiles"].map((name) =>
      keysOf(`a.channels.${name}`, { type: "memory", capacity: 10_000, transactionCapacity: 1_000 }),
    ),
    keysOf("a.sinks.sent", {
      type: "org.apache.flume.sink.kafka.KafkaSink",
      "kafka.bootstrap.servers": broker.address,
      "kafka.topic": "wrapped-by-flume",
      useFlumeEventFormat: "true",
      channel: "toTopic",
    }),
    keysOf("a.sinks.received", { ...files("at-flume-wrapped"), channel: "toFiles" }),
    keysOf("a.channels.out", channel("from-flume")),
    keysOf("a.channels.in", channel("from-us")),
    keysOf("a.channels.shared", channel("shared")),
    keysOf("a.sinks.files", { ...files("at-flume"), channel: "in" }),
    keysOf("a.sinks.both", { ...files("at-flume-shared"), channel: "shared" }),
  ].join("");
}

function edgeConf(): string {
  const source = (folder: string, channels: string) => ({
    type: "spooldir",
    path: dir.file(folder),
    settle: 0,
    interceptors: [{ type: "static", headers: { kind } }],
    channels,
  });
  const own = (topic: string) => ({
    type: "kafka",
    brokers: [broker.address],
    topic,
    groupId: "flume",
    sessionTimeout: "6s",
    commitInterval: "200ms",
  });
  const sink = (topic: string, from: string) => ({
    type: "kafka",
    channel: from,
    brokers: [broker.address],
    topic,
    partition: "agent",
  });
  return JSON.stringify({
    agent: "gw-1",
    dataDir: dir.file("data"),
    linger: "20ms",
    sources: {
      spool: source("our-spool", "out"),
      mixed: source("our-mixed", "shared"),
      wrapped: source("our-wrapped", "wrapped"),
      topic: {
        type: "kafka",
        brokers: [broker.address],
        topics: ["wrapped-by-flume"],
        useFlumeEventFormat: true,
        sessionTimeout: "6s",
        channels: "unwrapped",
      },
    },
    channels: {
      out: own("from-us"),
      in: own("from-flume"),
      shared: own("shared"),
      wrapped: { type: "sqlite", freeDisk: 0 },
      unwrapped: { type: "sqlite", freeDisk: 0 },
    },
    sinks: {
      copy: sink("at-us", "in"),
      both: sink("at-us-shared", "shared"),
      wrapped: { ...sink("wrapped-by-us", "wrapped"), useFlumeEventFormat: true },
      unwrapped: sink("at-us-unwrapped", "unwrapped"),
    },
  });
}

function startEdge(): Child {
  return startChild({ command: [process.execPath, main, "run", dir.file("tailgate.yaml")], cwd: dir.path });
}

beforeAll(async () => {
  broker = await startBroker();
  for (const topic of ["from-flume", "from-us", "shared", "wrapped-by-us", "wrapped-by-flume"]) {
    await createTopic(broker.internalAddress, topic, { partitions: 3 });
  }
  for (const topic of ["at-us", "at-us-shared", "at-us-unwrapped"]) await createTopic(broker.internalAddress, topic);
  for (const folder of ["at-flume", "at-flume-shared", "at-flume-wrapped"]) mkdirSync(dir.file(folder));
  for (const what of ["spool", "mixed", "wrapped"]) {
    for (const who of ["flume", "our"]) mkdirSync(dir.file(`${who}-${what}`));
  }
  writeFileSync(dir.file("tailgate.yaml"), edgeConf());
  edge = startEdge();
  flume = await Flume.start(dir.file("flume"), "a", flumeConf());
}, 180_000);

afterAll(async () => {
  await edge?.kill();
  await flume?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const kindAsLatin1 = Buffer.from(kind).toString("latin1");
/** The headers of an event as a Flume writes them before its body: those that it was put with and no others. */
const putHeaders = new RegExp(
  `^\\{(?:basename=[a-z]+-\\d+, kind=${kindAsLatin1}|kind=${kindAsLatin1}(?:, basename=[a-z]+-\\d+)?)\\} `,
);
/** With those that Flume's KafkaSource adds. */
const topicHeaders = new RegExp(
  `^\\{(?=[^}]*kind=${kindAsLatin1}[,}])(?=[^}]*topic=wrapped-by-us[,}])(?=[^}]*timestamp=\\d{13}[,}])[^}]*\\} `,
);

/** Bodies that a Flume wrote after their headers, as latin1 text: a character a byte. What has other headers is foreign. */
function atFlume(folder: string, headers = putHeaders): readonly string[] {
  if (!existsSync(dir.file(folder))) return [];
  const lines = readdirSync(dir.file(folder)).flatMap((name) =>
    readFileSync(join(dir.file(folder), name), "latin1")
      .split("\n")
      .slice(0, -1),
  );
  return lines.flatMap((line) =>
    headers.test(line) ? [line.replace(headers, "")] : [`foreign: ${line.slice(0, 200)}`],
  );
}

/** Bodies in a topic that our sink has written, in the same way. */
async function atUs(topic: string): Promise<readonly string[]> {
  const known = /^kind=für alle,|,kind=für alle(?:,|$)/;
  return (await topicRecords(broker.internalAddress, topic)).map(({ value, headers }) =>
    known.test(headers) ? (value?.toString("latin1") ?? "no value") : `foreign: ${headers}`,
  );
}

function missingOf(found: readonly string[], who: readonly string[]) {
  const seen = new Map<string, number>();
  for (const line of found) seen.set(line, (seen.get(line) ?? 0) + 1);
  let missing = 0;
  let repeated = 0;
  for (const name of who) {
    for (let index = 0; index < count; index++) {
      const text = body(name, index).toString("latin1");
      const times = seen.get(text) ?? 0;
      seen.delete(text);
      if (times === 0) missing++;
      else repeated += times - 1;
    }
  }
  return { missing, repeated, foreign: [...seen.keys()] };
}

async function complete(what: string, who: readonly string[], found: () => Promise<readonly string[]>): Promise<void> {
  const all = await until(
    "all to arrive",
    async () => missingOf(await found(), who),
    ({ missing }) => missing === 0,
    within,
  );
  console.log(`${what}: ${count * who.length} events, missing 0, repeated ${all.repeated}`);
  expect(all.foreign).toEqual([]);
}

test("we put, a Flume takes, killed in the middle: headers and bodies of any bytes as they were, none missing", async () => {
  spool("our-spool", "ours", 0, count / 2);
  await until(
    "some to arrive",
    () => atFlume("at-flume").length,
    (length) => length > 0,
    within,
  );
  await flume.end("SIGKILL");
  spool("our-spool", "ours", count / 2, count);
  await flume.restart();
  await complete("ours to Flume", ["ours"], async () => atFlume("at-flume"));
}, 300_000);

test("a Flume puts, we take, killed in the middle: headers and bodies as they were, none missing, none repeated by us", async () => {
  spool("flume-spool", "flume", 0, count / 2);
  await until(
    "some to arrive",
    () => atUs("at-us"),
    ({ length }) => length > 0,
    within,
  );
  await edge.kill();
  spool("flume-spool", "flume", count / 2, count);
  edge = startEdge();
  await complete("Flume to ours", ["flume"], () => atUs("at-us"));
  const put = (await topicRecords(broker.internalAddress, "from-flume")).length;
  await until(
    "as many as the topic has",
    () => atUs("at-us"),
    ({ length }) => length >= put,
    within,
  );
  expect((await atUs("at-us")).length).toBe(put);
}, 300_000);

test("both on one topic in one group, each with a source and a sink: none missing, whoever takes it", async () => {
  spool("our-mixed", "ours", 0, count);
  spool("flume-mixed", "flume", 0, count);
  await complete("shared", ["ours", "flume"], async () => [
    ...atFlume("at-flume-shared"),
    ...(await atUs("at-us-shared")),
  ]);
  const [theirs, ours] = [atFlume("at-flume-shared").length, (await atUs("at-us-shared")).length];
  console.log(`shared: Flume took ${theirs}, we took ${ours}`);
  expect(Math.min(theirs, ours)).toBeGreaterThan(0);
}, 300_000);

test("with useFlumeEventFormat our sink's records are its source's events, and its sink's are ours: none missing", async () => {
  spool("our-wrapped", "ours", 0, count);
  spool("flume-wrapped", "flume", 0, count);
  await complete("wrapped by us, to Flume", ["ours"], async () => atFlume("at-flume-wrapped", topicHeaders));
  await complete("wrapped by Flume, to us", ["flume"], () => atUs("at-us-unwrapped"));
  const records = await topicRecords(broker.internalAddress, "wrapped-by-us");
  // The event's headers are in the value: only the identity is a header of the record.
  expect(records.filter(({ headers }) => !/^tg=[^,]*$/.test(headers))).toEqual([]);
}, 300_000);
