import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { formatProblem } from "../config/problem.ts";
import { defineChannel, defineSink, defineSource } from "../core/define.ts";
import { asMs, asNumber, asWords } from "../core/flume-mapping.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { loadFlumeConf } from "./load-flume-conf.ts";

const neverMade = (): never => {
  throw new Error("nothing is made of a config");
};
const words = { summary: "For a test.", stability: "stable", create: neverMade } as const;
const settings = { compression: "none", identity: true, batchBytesMax: 10 } as const;

const source = defineSource({
  ...words,
  type: "src",
  config: () =>
    z.strictObject({
      every: z.string().regex(/^\d{1,4}ms$/, { error: "too long" }),
      names: z.array(z.string()).optional(),
    }),
  example: { every: "1ms" },
  flume: () => [
    {
      names: ["exec"],
      keys: {
        every: { to: "every", as: asMs },
        list: { to: "names", as: asWords },
        size: { nothing: "there is none" },
      },
    },
  ],
});
const channel = defineChannel({
  ...words,
  type: "chan",
  keeping: "store",
  config: () => z.strictObject({ size: z.number().optional() }),
  example: {},
  flume: () => [{ names: ["file"], keys: { size: { to: "size", as: asNumber } } }],
  bounds: () => ({ settings, bytesMax: 100, ttlMs: undefined }),
});
const sink = defineSink({
  ...words,
  type: "snk",
  config: () => z.strictObject({}),
  example: {},
  flume: () => [{ names: ["null"], keys: {} }],
});
const registry = { ...fakeRegistry, sources: [source], channels: [channel], sinks: [sink] };

async function load(text: string, environment: Readonly<Record<string, string>> = {}, env?: string) {
  using dir = tempDir();
  mkdirSync(dir.file("conf"));
  const path = dir.file("conf/flume.conf");
  writeFileSync(path, text);
  if (env !== undefined) writeFileSync(dir.file("conf/flume-env.sh"), env);
  const result = await loadFlumeConf({
    path,
    agent: undefined,
    dataDir: "/data",
    registry,
    environment,
    folder: dir.path,
  });
  const short = (all: readonly Parameters<typeof formatProblem>[0][]) =>
    all.map((each) => formatProblem(each).slice(path.length + 1));
  return {
    yaml: result.yaml
      ?.split("\n")
      .filter((line) => !line.trim().startsWith("#"))
      .join("\n"),
    mistakes: result.loaded.ok ? [] : short(result.loaded.problems),
    doubts: short(result.doubts),
    nothings: short(result.nothings),
  };
}

const good = `a.sources = r
a.channels = c
a.sinks = k
a.sources.r.type = EXEC
a.sources.r.every = 5
a.sources.r.channels = c
a.channels.c.type = file
a.sinks.k.type = null
a.sinks.k.channel = c
`;

test("a good one has nothing to be said about", async () => {
  expect(await load(good)).toMatchObject({ mistakes: [], doubts: [], nothings: [] });
});

test("a FIFO in the file's place, or in that of flume-env.sh, is a mistake, and nobody waits at it", async () => {
  using dir = tempDir();
  const said = async (name: string) => {
    const world = { agent: undefined, dataDir: "/data", registry, environment: {}, folder: dir.path };
    const { loaded } = await loadFlumeConf({ path: dir.file(name), ...world, pipes: "refuse" });
    return loaded.ok ? "" : loaded.problems.map(formatProblem).join();
  };
  Bun.spawnSync(["mkfifo", dir.file("fifo"), dir.file("flume-env.sh")]);
  expect(await said("fifo")).toContain("it is a FIFO");
  writeFileSync(dir.file("flume.conf"), good);
  expect(await said("flume.conf")).toMatch(/flume-env\.sh:1:1: read it: it is a FIFO/);
});

test("what our own config refuses is said at the place in the file", async () => {
  expect((await load(good.replace("every = 5", "every = 50000"))).mistakes).toEqual([
    "5:21: a.sources.r.every: too long",
  ]);
  expect((await load(good.replace("a.sources.r.every = 5\n", ""))).mistakes).toEqual([
    "4:20: a.sources.r.type: every: is missing",
  ]);
});

test("mistakes of all kinds are said together, in the order of their lines", async () => {
  const wrong = good
    .replace("every = 5", "every = soon")
    .replace("type = file", "type = com.acme.Channel")
    .replace("type = null", "type = nul");
  const { mistakes } = await load(wrong);
  expect(mistakes.map((mistake) => mistake.split(":")[0])).toEqual(["5", "7", "8"]);
});

test("a variable stays a reference in what is written, and is read for what is decided", async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the config.
  const text = good.replace("every = 5", "every = ${EVERY}").replace("type = EXEC", "type = ${KIND}");
  expect((await load(text, { EVERY: "7", KIND: "exec" })).yaml).toContain("every: $" + "{EVERY}ms");
  expect((await load(text, {}, "EVERY=8\nKIND=exec")).mistakes).toEqual([]);
  expect((await load(text, { EVERY: "x", KIND: "exec" })).mistakes).toEqual([
    '5:21: a.sources.r.every: "x" is no whole number',
  ]);
});

test("what Flume would not start is left out and said; a channel without a sink is a mistake of ours", async () => {
  const { doubts, yaml } = await load(`${good}a.sinks = k k2 k3\na.sinks.k2.type = null\na.sinks.k2.chanel = c\n`);
  expect(doubts).toHaveLength(3);
  expect(yaml).not.toContain("k2");
  const alone = await load(good.replace("a.sinks.k.channel = c", "a.sinks.k.channel = d"));
  expect(alone.mistakes.join()).toContain("no sink drains this channel");
});

test("names that we cannot have are written with an underscore", async () => {
  expect((await load(good.replaceAll(".r.", ".r@1.").replace("sources = r", "sources = r@1"))).yaml).toContain(
    "  r_1:",
  );
});
