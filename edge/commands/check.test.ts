import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { z } from "zod";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "../../shared/errors/codes.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import type { AgentConfig, Registry } from "../config/agent-config.ts";
import { loadConfig } from "../config/load-config.ts";
import { defineSink, type SourceDefinition } from "../core/define.ts";
import type { Remark, Surroundings } from "../core/inspect.ts";
import type { Finding, Sink } from "../core/sink.ts";
import { good } from "../testing/fakes/config.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { check } from "./check.ts";
import { readArguments } from "./command.ts";
import { tryDestinations } from "./try-destinations.ts";

async function run(config: string, registry = fakeRegistry, ...args: readonly string[]) {
  using dir = tempDir();
  // Whoever runs the tests may not be allowed to make the folder of a service.
  writeFileSync(dir.file("tailgate.yaml"), config.replace("/var/lib/tailgate", dir.file("data")));
  let out = "";
  let err = "";
  const given = readArguments(check, [dir.file("tailgate.yaml"), ...args]);
  const code = await check.run(given, {
    registry,
    environment: {},
    outBytes: async () => {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  expect(readdirSync(dir.path)).toEqual(["tailgate.yaml"]);
  return { code, out, err };
}

function loadConfigOf(config: string, registry: Registry): AgentConfig {
  using dir = tempDir();
  writeFileSync(dir.file("tailgate.yaml"), config);
  const loaded = loadConfig(dir.file("tailgate.yaml"), registry, {});
  if (!loaded.ok) throw new Error("the test's config is wrong");
  return loaded.config;
}

test("a config that is meant for another machine is looked at alone", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("file"), "");
  const config = good.replace("/var/lib/tailgate", dir.file("file"));
  expect(await run(config)).toMatchObject({ code: 2 });
  expect(await run(config, fakeRegistry, "--config-only")).toMatchObject({ code: 0 });
  expect(await run(config.replace("topic: driving", "topik: driving"), fakeRegistry, "--config-only")).toMatchObject({
    code: 2,
  });
});

test("a data directory that a start would refuse is a mistake, and one that can be made is none", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("file"), "");
  symlinkSync("nowhere", dir.file("dangling"));
  const at = async (dataDir: string, ...args: readonly string[]) => {
    const { code, err } = await run(good.replace("/var/lib/tailgate", dataDir), fakeRegistry, ...args);
    expect(code).toBe(err.includes("will not start") ? 2 : 0);
    return err;
  };
  for (const name of ["file", "file/below", "dangling", "dangling/below"]) {
    const [first = ""] = name.split("/");
    expect(await at(dir.file(name))).toContain(`open the data directory ${dir.file(name)} as user`);
    expect(await at(dir.file(name))).toContain(`: ${dir.file(first)}`);
  }
  expect(await at("/dev/null")).toContain("/dev/null is a device, no folder [EDGE_DATA_DIR]");
  expect(await at("/dev/null", "--strict")).toContain("the agent will not start");
  expect(await at(dir.file("new/below"))).not.toContain("EDGE_");
});

test.each(["channel.db", "channel.lock", "channel.reserve"])(
  "what has the name %s in the data directory and is no file is a mistake, as it is for a start",
  async (name) => {
    for (const kind of ["folder", "FIFO"]) {
      using dir = tempDir();
      if (kind === "folder") mkdirSync(dir.file(name));
      else Bun.spawnSync(["mkfifo", dir.file(name)]);
      const { code, err } = await run(good.replace("/var/lib/tailgate", dir.path));
      expect(err).toContain(
        `open ${dir.file(name)}: it is a ${kind} [EDGE_DATA_DIR]\n  Move it away: a file of the agent's own belongs there.`,
      );
      expect(code).toBe(2);
    }
  },
);

test("a valid config is said to be so", async () => {
  expect(await run(good)).toMatchObject({ code: 0, out: "" });
});

test("a wrong one is exit code 2 with every mistake, and nothing is touched", async () => {
  const { code, err } = await run(good.replace("type: tail", "type: tial").replace("topic:", "topc:"));
  expect(code).toBe(2);
  expect(err).toContain('tailgate.yaml:5:11: sources.driving.type: no source is of type "tial"');
  expect(err).toContain("3 mistakes in the config; nothing was started or changed.");
});

test("what a source finds on this machine is said; it is told which files are the agent's own", async () => {
  const [tail] = fakeRegistry.sources;
  if (tail === undefined) throw new Error("the registry holds no source");
  const tailThatLooks: SourceDefinition = {
    ...tail,
    config: tail.config,
    read(raw) {
      const reading = tail.read(raw);
      const inspect = async ({ dataDir, ownFiles }: Surroundings): Promise<readonly Remark[]> => [
        {
          level: "note",
          field: "paths",
          message: `${basename(dataDir)} ${ownFiles.map((path) => basename(path)).join(" ")}`,
        },
      ];
      return reading.ok ? { ok: true, value: { ...reading.value, inspect } } : reading;
    },
  };
  const { code, err } = await run(good, { ...fakeRegistry, sources: [tailThatLooks] });
  expect(code).toBe(0);
  expect(err).toContain("sources.driving.paths: data tailgate.yaml [note]\n");
});

test("--print shows the defaults as YAML that can be read again", async () => {
  const { out } = await run(good, fakeRegistry, "--print");
  expect(Bun.YAML.parse(out)).toMatchObject({
    agent: "gw-0042",
    sources: { driving: { pollInterval: 1_000, channels: ["main"] } },
    channels: { main: { type: "sqlite", capacity: 1024 ** 3 } },
  });
});

/** A sink whose probe is the test's. */
function probing(probe: Sink["probe"]): Registry {
  const kafka = defineSink({
    type: "kafka",
    summary: "Sends to a test.",
    stability: "stable",
    config: () => z.looseObject({}),
    example: {},
    create: () => ({
      start: async () => expect.unreachable("a probe starts nothing"),
      lane: () => expect.unreachable("a probe delivers nothing"),
      stop: async () => {},
      status: () => ({}),
      ...(probe === undefined ? {} : { probe }),
    }),
  });
  return { ...fakeRegistry, sinks: [kafka] };
}

describe("--connect", () => {
  const well = { what: "kafka-1:9092", says: "answers" };
  const wrong = { what: "topic driving", error: new AppError("KAFKA_TOPIC_MISSING", "ask for topic driving: none") };

  test("says in a line each what a sink's probe found, and is well when all is", async () => {
    const { code, out, err } = await run(
      good,
      probing(async () => [well]),
      "--connect",
    );
    expect({ code, out }).toEqual({ code: 0, out: "sink kafka: kafka-1:9092: answers\n" });
    expect(err).toContain("is valid");
  });

  test("is exit code 1 when something is wrong, with its code and what to do", async () => {
    const { code, out } = await run(
      good,
      probing(async () => [well, wrong]),
      "--connect",
    );
    expect(code).toBe(1);
    expect(out.split("\n")).toEqual([
      "sink kafka: kafka-1:9092: answers",
      `sink kafka: topic driving: KAFKA_TOPIC_MISSING: ask for topic driving: none. ${codes.KAFKA_TOPIC_MISSING.hint}`,
      "",
    ]);
  });

  test("says so of a sink that has nothing to try", async () => {
    expect(await run(good, probing(undefined), "--connect")).toMatchObject({
      code: 0,
      out: "sink kafka: nothing to try\n",
    });
  });

  test("takes what throws in a probe for trouble, not for an end", async () => {
    const broken = probing(() => Promise.reject(new Error("a bug")));
    const { code, out } = await run(good, broken, "--connect");
    expect(code).toBe(1);
    expect(out).toContain("sink kafka: destination: EDGE_SINK_UNEXPECTED: try it: a bug.");
  });

  test("waits no longer than its time, even for a probe that does not listen", async () => {
    const loaded = loadConfigOf(
      good,
      probing(() => new Promise(() => {})),
    );
    let out = "";
    const say = (text: string) => {
      out += text;
    };
    expect(await tryDestinations(loaded, { out: say }, { withinMs: 20, graceMs: 20 })).toBe(false);
    expect(out).toContain("no answer within 0.04 s");
  });

  test("tells the probe when its time is over", async () => {
    const untilAborted = (signal: AbortSignal) =>
      new Promise<readonly Finding[]>((resolve) => signal.addEventListener("abort", () => resolve([well])));
    const loaded = loadConfigOf(good, probing(untilAborted));
    expect(await tryDestinations(loaded, { out: () => {} }, { withinMs: 20, graceMs: 10_000 })).toBe(true);
  });
});
