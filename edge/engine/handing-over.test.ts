/** What a source holds open and could not find again goes to the object that takes its place, or is closed: never neither, never both. */
import { expect, test } from "bun:test";
import { Gate } from "../../shared/async/gate.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { until } from "../../shared/testing/until.ts";
import type { SourceConfig } from "../config/agent-config.ts";
import type { Holding, Source } from "../core/source.ts";
import { AgentWorld } from "../testing/fakes/agent-world.ts";
import { AgentHost } from "./agent-host.ts";

class Held implements Holding {
  closed = 0;
  close(): void {
    this.closed++;
  }
}

/** Objects of a source that hold one thing, theirs or that of the one before. */
function holder(world: AgentWorld, how: { readonly fails?: number; readonly takes?: boolean } = {}) {
  const held: Held[] = [];
  const ran: (Held | undefined)[] = [];
  let made = 0;
  const create = (): Source => {
    const object = ++made;
    let mine: Held | undefined;
    const source: Source = {
      start: async () => {},
      run: async (_, signal) => {
        if (mine === undefined) {
          mine = new Held();
          held.push(mine);
        }
        ran.push(mine);
        if (object === how.fails) throw new Error("a passing trouble");
        await new Gate().wait(signal);
      },
      handOver: () => {
        const given = mine ?? new Held();
        mine = undefined;
        return given;
      },
      stop: async () => mine?.close(),
      status: () => ({}),
    };
    if (how.takes === false) return source;
    return {
      ...source,
      takeOver: (given) => {
        if (given instanceof Held) mine = given;
      },
    };
  };
  const config = (changes: Readonly<Record<string, unknown>> = {}): SourceConfig => ({
    ...world.reads(world.file, ["main"]),
    make: { config: changes, create },
  });
  return { held, ran, config };
}

const configOf = (world: AgentWorld, source: SourceConfig) => world.config({ sources: new Map([["in", source]]) });

test("a source that a reload makes anew", async () => {
  using world = new AgentWorld();
  const { held, ran, config } = holder(world);
  const agent = await world.started(configOf(world, config()));
  await until("it to run", () => ran.length === 1);
  await agent.reload(configOf(world, config({ pollInterval: 2 })));
  await until("the next one to run", () => ran.length === 2);
  expect(ran[1]).toBe(ran[0]);
  expect(held.map(({ closed }) => closed)).toEqual([0]);
  await agent.stop();
  expect(held.map(({ closed }) => closed)).toEqual([1]);
});

test("a source that ended by an error", async () => {
  using world = new AgentWorld();
  const { held, ran, config } = holder(world, { fails: 1 });
  const agent = await world.started(configOf(world, config()));
  await until("the next one to run", () => ran.length === 2, undefined, { withinMs: 10_000 });
  expect(ran[1]).toBe(ran[0]);
  await agent.stop();
  expect(held.map(({ closed }) => closed)).toEqual([1]);
}, 20_000);

test("a new config that cannot be put in force: the old one's object has it again", async () => {
  using world = new AgentWorld();
  const { held, ran, config } = holder(world);
  const host = new AgentHost(
    (each) => world.agent(each),
    () => {},
  );
  await host.start(configOf(world, config()));
  await until("it to run", () => ran.length === 1);
  world.file.refusal = new AppError("EDGE_SOURCE_FILE", "start in a test");
  const sources = new Map([
    ["in", config({ pollInterval: 2 })],
    ["refused", world.reads(world.file, ["main"])],
  ]);
  await expect(host.reload(world.config({ sources }))).rejects.toMatchObject({ code: "EDGE_SOURCE_FILE" });
  await until("the old one to run again", () => ran.length === 2);
  expect(ran[1]).toBe(ran[0]);
  expect(held.map(({ closed }) => closed)).toEqual([0]);
  await host.stop();
  expect(held.map(({ closed }) => closed)).toEqual([1]);
});

test.each([
  ["goes with the config", (world: AgentWorld) => world.config({ sources: new Map() })],
  [
    "is one that takes nothing over now",
    (world: AgentWorld) => configOf(world, holder(world, { takes: false }).config({ other: true })),
  ],
])("a source that %s: closed, once", async (_, next) => {
  using world = new AgentWorld();
  const { held, ran, config } = holder(world);
  const agent = await world.started(configOf(world, config()));
  await until("it to run", () => ran.length === 1);
  await agent.reload(next(world));
  await until("it to be closed", () => held[0]?.closed === 1);
  await agent.stop();
  expect(held.map(({ closed }) => closed)).toEqual([1]);
});
