import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { type TempDir, tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { prepareEdge } from "../drivers/edge/edge.ts";
import { createTopic } from "../drivers/kafka/topic.ts";
import { Spool } from "./input/spool.ts";
import { publishedIn, readLake } from "./proof/lake-proof.ts";
import { NumberedLines } from "./proof/numbered-lines.ts";
import { complete, Tally } from "./proof/tally.ts";
import { readBack } from "./proof/topic-proof.ts";
import { pause } from "./world/pause.ts";
import { longForm, testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";

const broker = sharedBroker();
const ways = ["rename", "delete", "tracker"] as const;
/** How often it is killed while it reads, and how often while files get their final names. */
const [kills, rollKills] = longForm ? [20, 5] : [5, 1];
const linesPerFile = 2_500;
/** A batch that goes into a file makes it full, or nearly so: there is always one that is begun or ended. */
const rollBytes = "192KiB";

interface Around {
  readonly brokers?: string;
  readonly topic?: string;
}

async function edgeIn(folder: TempDir, top: object, { brokers = "127.0.0.1:9", topic = "none" }: Around = {}) {
  return await prepareEdge({
    configPath: folder.file("tailgate.yaml"),
    place: { agent: "car-edge", dataDir: folder.file("data"), logs: "none", brokers, topic },
    changes: { top },
  });
}

function source(spool: Spool, done: string, channels: readonly string[]) {
  return { type: "spooldir", path: spool.path, done, settle: "20ms", pollInterval: "20ms", channels };
}

function lake(channel: string, directory: string) {
  return { type: "file_roll", channel, directory, rollBytes, publishAfter: "10s" };
}

/** What lies in a spool directory when all of its files are done. */
function leftBy(done: (typeof ways)[number], files: readonly string[]): readonly string[] {
  if (done === "delete") return [];
  return done === "rename" ? files.map((name) => `${name}.COMPLETED`) : files;
}

test(`killed ${kills} times while it reads and ${rollKills} times while files get their names: each line is in the daily files and in the topic once`, async () => {
  const random = testRandom("batch-files-arrive-once");
  using folder = tempDir("tailgate-batch-");
  const directory = folder.file("lake");
  const topic = "batch";
  await createTopic(broker().internalAddress, topic);
  const spools = ways.map((done) => {
    const lines = new NumberedLines({ stream: done.charAt(0), cars: 1 });
    return { done, spool: new Spool(folder.file(done), lines) };
  });
  const channels = ["files", "main"];
  const top = {
    sources: Object.fromEntries(spools.map(({ done, spool }) => [done, source(spool, done, channels)])),
    channels: { files: { type: "sqlite" }, main: { type: "sqlite" } },
    sinks: {
      lake: lake("files", directory),
      kafka: { type: "kafka", channel: "main", brokers: [broker().address], topic },
    },
  };
  await using edge = await edgeIn(folder, top, { brokers: broker().address, topic });
  const put = (files: number) => {
    for (let file = 0; file < files; file++) for (const { spool } of spools) spool.put(linesPerFile);
  };
  const settled = () =>
    edge.hasSettled(
      spools.reduce((sum, { spool }) => sum + spool.written, 0),
      30_000,
    );

  put(4);
  for (let kill = 0; kill < kills; kill++) {
    await edge.launch();
    // From the first moments of a start to the middle of reading, delivering and putting away.
    await pause(random.between(100, 600));
    await edge.kill();
    put(2);
  }
  await edge.start();
  await settled();
  for (let kill = 0; kill < rollKills; kill++) {
    const before = publishedIn(directory);
    await until("files to get their names", () => publishedIn(directory) > before, Boolean, {
      withinMs: 30_000,
      everyMs: 1,
    });
    await pause(random.between(0, 10));
    await edge.kill();
    put(2);
    await edge.start();
  }
  await settled();
  const allDone = () => spools.every(({ done, spool }) => spool.names().join() === leftBy(done, spool.files).join());
  await until("all spool files to be done", allDone);
  await edge.kill();

  const inLake = spools.map(({ spool }) => new Tally(spool.lines));
  const inTopic = spools.map(({ spool }) => new Tally(spool.lines));
  const reading = readLake(directory, ...inLake);
  expect(reading.torn).toEqual([]);
  expect(reading.published).toBeGreaterThan(0);
  for (const [index, { spool }] of spools.entries()) expect(inLake[index]?.verdict(spool.written)).toEqual(complete);
  const { holes } = await readBack(broker().internalAddress, topic, ...inTopic);
  expect(holes).toEqual([]);
  for (const [index, { spool }] of spools.entries()) expect(inTopic[index]?.verdict(spool.written)).toEqual(complete);
}, 300_000);

for (const down of [false, true]) {
  test(`a file that changed while it was read${down ? ", and the edge was down," : ""} is an error for that file alone`, async () => {
    using folder = tempDir("tailgate-batch-");
    const directory = folder.file("lake");
    // A file where the directory should be: nothing is delivered, and reading stops in the middle of a file.
    writeFileSync(directory, "");
    const spool = new Spool(folder.file("spool"), new NumberedLines({ cars: 1 }));
    const top = {
      sources: { reports: { ...source(spool, "rename", ["files"]), order: "name" } },
      channels: { files: { type: "sqlite", capacity: "16MiB", compression: "none" } },
      sinks: { lake: lake("files", directory) },
    };
    await using edge = await edgeIn(folder, top);
    const before = 10_000;
    spool.put(before);
    const changed = spool.put(100_000);
    spool.put(10_000);
    await edge.start();
    await edge.wait("the channel to be full", ({ channels }) => channels.files?.admission === "blocked");
    if (down) await edge.kill();
    spool.appendTo(changed, "a line that nobody may read\n");
    if (down) await edge.start();
    rmSync(directory);
    const { read } = await edge.book("reports");
    const allDone = () => spool.names().every((name) => !name.endsWith(".log"));
    await until("all spool files to be put away", allDone, Boolean, { withinMs: 20_000 });
    await edge.hasSettled(spool.written - 100_000);
    const book = await edge.book("reports");
    await edge.kill();

    const [first, bad, last] = spool.files;
    expect(spool.names()).toEqual([`${first}.COMPLETED`, `${bad}.ERROR`, `${last}.COMPLETED`]);
    expect(read).toBeGreaterThan(before);
    // Of the file that changed there is its beginning, as far as it was read before; of the others there is everything.
    const readOfChanged = book.read - 20_000;
    expect(readOfChanged).toBeGreaterThanOrEqual(read - before);
    expect(readOfChanged).toBeLessThan(100_000);
    const tally = new Tally(spool.lines);
    expect(readLake(directory, tally).torn).toEqual([]);
    const wasRead = (n: number) => n < before + readOfChanged || n >= before + 100_000;
    expect(tally.verdict(spool.written, wasRead)).toEqual(complete);
  }, 300_000);
}

test("a name that comes again, and a tracked file that is written again, are errors for these alone", async () => {
  using folder = tempDir("tailgate-batch-");
  const directory = folder.file("lake");
  const [renamed, tracked] = (["rename", "tracker"] as const).map(
    (done) => new Spool(folder.file(done), new NumberedLines({ stream: done.charAt(0), cars: 1 })),
  );
  if (renamed === undefined || tracked === undefined) throw new Error("two spool directories");
  const top = {
    sources: { rename: source(renamed, "rename", ["files"]), tracker: source(tracked, "tracker", ["files"]) },
    channels: { files: { type: "sqlite" } },
    sinks: { lake: lake("files", directory) },
  };
  await using edge = await edgeIn(folder, top);
  const again = renamed.put(1_000);
  const grown = tracked.put(1_000);
  await edge.start();
  await edge.hasSettled(2_000);
  await until("the first to be put away", () => !renamed.names().includes("report-0000.log"));
  await edge.kill();
  renamed.appendTo(again, "a line that nobody may read\n");
  tracked.appendTo(grown, "a line that nobody may read\n");
  renamed.put(1_000);
  tracked.put(1_000);
  await edge.start();
  await edge.hasSettled(4_000);
  const ends = ["report-0000.log.COMPLETED", "report-0000.log.ERROR", "report-0001.log.COMPLETED"];
  await until("all to be put away", () => renamed.names().join() === ends.join());
  await edge.kill();
  expect(tracked.names()).toEqual(tracked.files);
  const tallies = [renamed, tracked].map(({ lines }) => new Tally(lines));
  expect(readLake(directory, ...tallies).torn).toEqual([]);
  expect(tallies.map((tally) => tally.verdict(2_000))).toEqual([complete, complete]);
}, 300_000);
