import { readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { Bench } from "../bench.ts";
import { produce } from "../central/produce.ts";
import { readUsage } from "../meters/process.ts";
import { selfTimes } from "./cpu-profile.ts";
import type { Watch } from "./perf.ts";
import type { ProfileCase, Run } from "./profile-case.ts";
import { profiled, profilePath, root } from "./source-agent.ts";

const vehicles = 100;
const partitions = 4;
const withinMs = 60_000;

/** A place for a store, an address, and the environment of a centre that reads a topic from its beginning. */
async function central(bench: Bench, directory: string, topic: string) {
  const address = `127.0.0.1:${await freePort()}`;
  const env = {
    KAFKA_BROKERS: bench.broker.internalAddress,
    TAILGATE_TOPICS: topic,
    TAILGATE_GROUP: `${topic}-${systemClock.now()}`,
    TAILGATE_STORE: join(directory, "central.db"),
    TAILGATE_LISTEN: address,
    TAILGATE_LOG_LEVEL: "warn",
  };
  return { address, env };
}

const topics = new WeakMap<Bench, Promise<string>>();

/** The events are made once: making them takes longer than storing them. */
function filledTopic(bench: Bench): Promise<string> {
  const made = topics.get(bench) ?? fill(bench);
  topics.set(bench, made);
  return made;
}

async function fill(bench: Bench): Promise<string> {
  const brokers = [bench.broker.internalAddress];
  const topic = `profile-${systemClock.now()}`;
  bench.progress(`making ${bench.options.lines.toLocaleString("en")} events`);
  await produce({ brokers, topic, partitions, events: bench.options.lines, vehicles, startMs: 1_760_000_000_000 });
  return topic;
}

/** The case of `central/PROFILES.md`. */
export const centralProfileCase: ProfileCase = {
  name: "central",
  title: "Ingest of 100 vehicles",
  method:
    "Events wait in a topic of four partitions; profiled from the first stored event to the last. By function: the " +
    "writing half alone, on the main thread; as shipped: the whole process, whose writing half is a worker.",
  page: "central",
  async runFromSource(bench) {
    const topic = await filledTopic(bench);
    using dir = tempDir("tailgate-profile-");
    const { env } = await central(bench, dir.path, topic);
    const lines = bench.options.lines;
    const command = [...profiled(dir.path, "scripts/bench/profile/central-ingest.ts"), String(lines)];
    await using child = startChild({ name: "central's ingest", command, env });
    const run = await measured(child, lines, {
      begun: () => child.waitForLine("first", withinMs),
      done: () => child.waitForLine("all", withinMs),
    });
    await child.stop();
    return { ...run, times: selfTimes(readFileSync(profilePath(dir.path), "utf8"), run.span) };
  },
  async runAsShipped<Found>(bench: Bench, watch: Watch<Found>) {
    const topic = await filledTopic(bench);
    using dir = tempDir("tailgate-profile-");
    const { address, env } = await central(bench, dir.path, topic);
    const lines = bench.options.lines;
    await using child = startChild({
      name: "central",
      command: [process.execPath, join(root, "central/main.ts")],
      env,
    });
    const stored = (events: number, everyMs: number) =>
      until(
        `${events} events to be stored`,
        () => storedEvents(address),
        (now) => now >= events,
        { withinMs, everyMs },
      );
    let ended: (() => Promise<Found>) | undefined;
    const run = await measured(child, lines, {
      begun: async () => {
        await stored(1, 5);
        // Nothing is missed while the watch attaches.
        child.freeze();
        ended = await watch(child.pid);
        child.thaw();
      },
      done: () => stored(lines, 20),
    });
    if (ended === undefined) throw new Error("watch central: it never began");
    const found = await ended();
    await child.stop();
    return { ...run, found };
  },
};

async function measured(
  child: Child,
  lines: number,
  { begun, done }: { readonly begun: () => Promise<unknown>; readonly done: () => Promise<unknown> },
): Promise<Run & { readonly span: { readonly fromMs: number; readonly toMs: number } }> {
  await begun();
  const fromMs = systemClock.now();
  const before = readUsage(child.pid).cpuSeconds;
  await done();
  const toMs = systemClock.now();
  const cpuSeconds = readUsage(child.pid).cpuSeconds - before;
  return { lines, seconds: (toMs - fromMs) / 1000, cpuSeconds, commits: undefined, span: { fromMs, toMs } };
}

async function storedEvents(address: string): Promise<number> {
  try {
    const body: unknown = await (await fetch(`http://${address}/api/v1/status`)).json();
    return typeof body === "object" && body !== null && "stored" in body ? Number(body.stored) : 0;
  } catch {
    // It does not listen yet; the wait has a deadline of its own.
    return 0;
  }
}
