import { expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { until } from "../../shared/testing/until.ts";
import type { AgentConfig } from "../config/agent-config.ts";
import { AgentWorld, Destination, LineFile, numbered } from "../testing/fakes/agent-world.ts";
import { AgentHost } from "./agent-host.ts";

function hostIn(world: AgentWorld): AgentHost {
  return new AgentHost(
    (config) => world.agent(config),
    (signal, fields = {}) => void world.reports.push({ signal: signal.name, fields }),
  );
}

const arrived = (world: AgentWorld, lines: number) =>
  until("the lines to arrive", () => world.destination.lines.length >= lines);

test("reloads lose nothing and repeat nothing while lines are written and the destination comes and goes", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  const configs: AgentConfig[] = [
    world.config(),
    world.config({ lingerMs: 20 }),
    world.config({ keep: (line) => !line.startsWith("noise") }),
  ];
  await host.start(world.config());
  const epoch = host.agent?.status().epoch;
  for (let round = 0; round < 12; round++) {
    world.file.write(...numbered("line", 20, 20 * round), `noise ${round}`);
    world.destination.away = round % 3 === 1;
    await host.reload(configs[round % 3] ?? world.config());
    // Once before its lines were read, once in the middle, once after they have arrived.
    if (round % 3 === 2) await arrived(world, 20 * round);
  }
  world.destination.away = false;
  await until("all to be sent", () => host.agent?.status().books.every(({ read, held }) => read === 252 && held === 0));
  const lines = world.destination.lines.filter((line) => line.startsWith("line"));
  expect(lines).toEqual(numbered("line", 240));
  expect(new Set(world.destination.lines).size).toBe(world.destination.lines.length);
  // Every number of the one lane, each once: a reload is no new epoch.
  expect(world.destination.identities).toEqual(
    numbered("", world.destination.lines.length).map((n) => `${epoch}/in.0/${n.trim()}`),
  );
  await host.stop();
  expect(host.agent).toBeUndefined();
  expect(world.broken).toEqual([]);
});

test("a reload says what it changed: parts by name, the agent's own settings, or nothing", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  await host.start(world.config());
  const said = async (config: AgentConfig) => {
    await host.reload(config);
    return world.reports.findLast(({ signal }) => signal === "config_reloaded")?.fields;
  };
  expect(await said(world.config())).toEqual({ changed: "nothing" });
  expect(await said(world.config({ lingerMs: 20, stopTimeoutMs: 50_000 }))).toEqual({
    settings: "linger, stopTimeout",
  });
  const sinks = new Map([["out", world.sends(world.destination, "main", { certificate: "new" })]]);
  expect(await said(world.config({ sinks }))).toEqual({ renew: "sinks of main", settings: "linger, stopTimeout" });
  await host.stop();
});

test("a new config that cannot start leaves the old one in force", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  const broken = new LineFile("broken", world);
  broken.refusal = new AppError("EDGE_SOURCE_FILE", "start in a test");
  world.file.write("before");
  await host.start(world.config());
  await arrived(world, 1);
  const sources = new Map([
    ["in", world.reads(world.file, ["main"])],
    ["broken", world.reads(broken, ["main"])],
  ]);
  await expect(host.reload(world.config({ sources }))).rejects.toBe(broken.refusal);
  expect(world.reports.map(({ signal }) => signal)).toContain("config_reload_failed");
  world.file.write("after");
  await arrived(world, 2);
  expect(host.agent?.state).toBe("running");
  expect(Object.keys(host.agent?.status().sources ?? {})).toEqual(["in"]);
  await host.stop();
  expect(world.destination.lines).toEqual(["before", "after"]);
});

test("a reload goes on when something of the old config does not stop as it should", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  await host.start(world.config());
  world.destination.stopFailure = new Error("the sink will not stop");
  await host.reload(
    world.config({ sinks: new Map([["out", world.sends(world.destination, "main", { renewed: 1 })]]) }),
  );
  world.destination.stopFailure = undefined;
  expect(host.agent?.state).toBe("running");
  expect(world.reports.map(({ signal }) => signal)).toContain("config_reload_stop_failed");
  world.file.write("line");
  await arrived(world, 1);
  await host.stop();
});

test("when not even the old config starts again, both reasons are said and the agent shows that it failed", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  await host.start(world.config());
  world.file.refusal = new AppError("EDGE_SOURCE_FILE", "the directory is gone");
  const sources = new Map([["in", world.reads(world.file, ["main"], { config: { start: "end" } })]]);
  const failure = await host.reload(world.config({ sources })).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "EDGE_RELOAD_FAILED" });
  expect(host.agent?.state).toBe("failed");
  await host.stop();
});

test("a channel that the new config drops while it holds events refuses the reload before anything stops", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  world.destination.away = true;
  world.file.write(...numbered("line", 5));
  await host.start(world.config());
  await until("the lines to be held", () => host.agent?.status().channels.main?.events === 5);
  const other = {
    sources: new Map([["in", world.reads(world.file, ["other"])]]),
    channels: new Map([["other", world.holds("sqlite")]]),
    sinks: new Map([["out", world.sends(world.destination, "other")]]),
  };
  const moved = { channels: new Map([["main", world.holds("memory")]]) };
  const { agent } = host;
  for (const changes of [other, moved]) {
    await expect(host.reload(world.config(changes))).rejects.toMatchObject({ code: "EDGE_CHANNEL_UNNAMED" });
    expect(host.agent).toBe(agent);
    expect(agent?.state).toBe("running");
  }
  world.destination.away = false;
  await until("the channel to drain", () => host.agent?.status().channels.main?.events === 0);
  await host.reload(world.config(other));
  world.file.write("line 5");
  await arrived(world, 6);
  await host.stop();
  expect(world.destination.lines).toEqual(numbered("line", 6));
});

test("a memory channel may go while it holds events: they are still in the file", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  world.destination.away = true;
  world.file.write(...numbered("line", 5));
  await host.start(world.config({ channels: new Map([["main", world.holds("memory")]]) }));
  await until("the lines to be held", () => host.agent?.status().channels.main?.events === 5);
  await host.reload(world.config());
  world.destination.away = false;
  await arrived(world, 5);
  await host.stop();
  expect(world.destination.lines).toEqual(numbered("line", 5));
});

test("what cannot change while it runs is refused, and a reload without an agent too", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  await expect(host.reload(world.config())).rejects.toMatchObject({ code: "USAGE" });
  await host.start(world.config());
  for (const changes of [{ agent: "gw-2" }, { dataDir: world.dir.file("elsewhere") }]) {
    await expect(host.reload(world.config(changes))).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  }
  expect(host.agent?.state).toBe("running");
  await host.stop();
});

test("a reload that comes during a reload, and a stop during both, wait for their turn", async () => {
  using world = new AgentWorld();
  const host = hostIn(world);
  const second = new Destination("second", world);
  const started = host.start(world.config());
  const sinks = new Map([
    ["out", world.sends(world.destination, "main")],
    ["second", world.sends(second, "main")],
  ]);
  const all = [started, host.reload(world.config({ sinks })), host.reload(world.config()), host.stop()];
  await Promise.all(all);
  expect(world.journal).toEqual([
    "open the channels",
    "start out",
    "start in",
    "run in",
    // The second sink shares the lanes with the first: the two are one group.
    ...["stop out", "start out", "start second"],
    ...["stop out", "stop second", "start out"],
    ...["stop in", "stop out", "close the channels"],
  ]);
  expect(host.agent).toBeUndefined();
});
