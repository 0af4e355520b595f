import { expect, test } from "bun:test";
import { until } from "../../shared/testing/until.ts";
import { AgentWorld, Destination, numbered } from "../testing/fakes/agent-world.ts";
import type { Agent } from "./agent.ts";
import type { Book } from "./books.ts";

function balance({ read, filtered, unselected, dropped, shed, dead, sent, held }: Book): number {
  return read - filtered - unselected - dropped - shed - dead - sent - held;
}

function book(agent: Agent, channel = "main"): Book {
  const found = agent.status().books.find((each) => each.channel === channel);
  if (found === undefined) throw new Error(`no book of channel ${channel}`);
  return found;
}

/** A channel that is soon full: batches of some ten wide lines, a few of them. */
const wide = "x".repeat(300);
const tight = (world: AgentWorld, changes: Parameters<AgentWorld["holds"]>[1]) => {
  const settings = { compression: "none", identity: true, batchBytesMax: 4_096 } as const;
  return world.holds("sqlite", { settings, bytesMax: 40_000, keptBytes: 0, ...changes });
};

/** Why events were shed, by the counters of the lanes. */
function reasonsOf(agent: Agent): Record<string, number> {
  const reasons: Record<string, number> = {};
  for (const { counters } of agent.status().channels.main?.lanes ?? []) {
    for (const [name, count] of Object.entries(counters)) {
      if (name.startsWith("shed_")) reasons[name] = (reasons[name] ?? 0) + count;
    }
  }
  return reasons;
}

const hasRead = (agent: Agent, lines: number) =>
  until("the lines to be read", () => agent.status().books.every(({ read }) => read === lines));
/** Read by the source; durable with the next commit, or with the stop's: while the destination is away that is the sooner one. */
const hasAppended = (agent: Agent, lines: number) =>
  until("the lines to be appended", () => JSON.stringify(agent.status().sources).includes(`"at":${lines}`));
const hasEnded = (agent: Agent) =>
  until("nothing to be held", () => agent.status().books.every(({ held }) => held === 0));

test("the books balance: filtered, laid elsewhere, dropped, dead, sent and held, also over a kill", async () => {
  using world = new AgentWorld();
  const other = new Destination("other", world);
  other.away = true;
  world.destination.refuses = (line) => line.startsWith("poison");
  const config = world.config({
    sources: new Map([
      [
        "in",
        world.reads(world.file, ["main", "tight"], {
          keep: (line) => !line.startsWith("noise"),
          select: (view) => (view.text().startsWith("nowhere") ? [] : view.text().startsWith("tight") ? [1] : [0, 1]),
        }),
      ],
    ]),
    channels: new Map([
      ["main", world.holds("sqlite")],
      ["tight", world.holds("sqlite", { full: "drop_newest", bytesMax: 20_000 })],
    ]),
    sinks: new Map([
      ["out", world.sends(world.destination, "main")],
      ["other", world.sends(other, "tight")],
    ]),
  });
  const agent = await world.started(config);
  world.file.write(...numbered("noise", 7), ...numbered("nowhere", 5), ...numbered("tight", 3), "poison");
  await until("the poison to be refused", () => book(agent).dead > 0);
  world.file.write(...numbered("x".repeat(300), 100));
  await until("the channel to be full", () => agent.status().channels.tight?.admission === "dropping");
  world.file.write(...numbered("x".repeat(300), 400, 100));
  await hasRead(agent, 516);
  await until("all to be sent that is taken", () => book(agent).held === 0);
  for (const each of agent.status().books) expect(balance(each)).toBe(0);
  const [main, tight] = [book(agent), book(agent, "tight")];
  // What lay in one batch with the poison went with it.
  expect(main).toMatchObject({ read: 516, filtered: 7, unselected: 8, dropped: 0, shed: 0, held: 0 });
  expect(main.dead + main.sent).toBe(501);
  expect(world.destination.lines).toHaveLength(main.sent);
  expect(tight).toMatchObject({ read: 516, filtered: 7, unselected: 5, dead: 0, sent: 0 });
  expect(tight.dropped).toBeGreaterThan(0);
  expect(tight.held).toBeGreaterThan(0);

  world.file.write(...numbered("on its way", 20));
  await world.kill(agent);
  const next = await world.started(config);
  await hasRead(next, 536);
  for (const each of next.status().books) expect(balance(each)).toBe(0);
  expect(book(next, "tight").held).toBeGreaterThanOrEqual(tight.held);
  await next.stop();
  expect(world.broken).toEqual([]);
});

test("drop_oldest: what is shed is counted as shed, and the books balance, over a stop and a kill", async () => {
  using world = new AgentWorld();
  const config = world.config({ channels: new Map([["main", tight(world, { full: "drop_oldest" })]]) });
  world.destination.away = true;
  world.file.write(...numbered(wide, 100));
  const agent = await world.started(config);
  await hasRead(agent, 100);
  expect(book(agent)).toMatchObject({ shed: 0, held: 100 });
  world.file.write(...numbered(wide, 200, 100));
  await hasAppended(agent, 300);
  await agent.stop();
  const first = book(agent);
  expect(first).toMatchObject({ read: 300, dropped: 0, sent: 0 });
  expect(first.shed).toBeGreaterThan(0);
  expect(first.held).toBeGreaterThan(0);
  expect(balance(first)).toBe(0);

  const second = await world.started(config);
  expect(book(second)).toEqual(first);
  world.file.write(...numbered(wide, 100, 300));
  await hasRead(second, 400);
  const before = book(second);
  expect(before.shed).toBeGreaterThan(first.shed);
  expect(balance(before)).toBe(0);
  await world.kill(second);

  const last = await world.started(config);
  await hasEnded(last);
  const after = book(last);
  expect(reasonsOf(last)).toEqual({ shed_overflow: after.shed });
  await last.stop();
  expect(after).toEqual({ ...before, sent: before.held, held: 0 });
  expect(balance(after)).toBe(0);
  expect(world.destination.lines).toHaveLength(after.sent);
  expect(world.destination.lines.at(-1)).toBe(`${wide} 399`);
  expect(world.broken).toEqual([]);
});

test("drop_newest: what finds no room is counted as dropped, never as shed, and the books balance", async () => {
  using world = new AgentWorld();
  const config = world.config({ channels: new Map([["main", tight(world, { full: "drop_newest" })]]) });
  world.destination.away = true;
  world.file.write(...numbered(wide, 300));
  const agent = await world.started(config);
  await hasAppended(agent, 300);
  await agent.stop();
  expect(balance(book(agent))).toBe(0);

  const full = await world.started(config);
  expect(full.status().channels.main?.admission).toBe("dropping");
  world.file.write(...numbered(wide, 100, 300));
  await hasRead(full, 400);
  const before = book(full);
  expect(before).toMatchObject({ read: 400, shed: 0, sent: 0 });
  expect(before.dropped).toBeGreaterThanOrEqual(100);
  expect(before.held).toBeGreaterThan(0);
  expect(balance(before)).toBe(0);
  await world.kill(full);

  const last = await world.started(config);
  await hasEnded(last);
  world.file.write("room again");
  await hasRead(last, 401);
  await hasEnded(last);
  const after = book(last);
  await last.stop();
  expect(after).toEqual({ ...before, read: 401, sent: before.held + 1, held: 0 });
  expect(balance(after)).toBe(0);
  expect(world.destination.lines).toEqual([...numbered(wide, before.held), "room again"]);
});

test("TTL: what grew too old is counted as shed, what is young is sent, and the books balance", async () => {
  using world = new AgentWorld();
  const config = world.config({ channels: new Map([["main", tight(world, { bytesMax: 1 << 20, ttlMs: 10_000 })]]) });
  world.destination.away = true;
  world.file.write(...numbered(wide, 100));
  const agent = await world.started(config);
  await hasRead(agent, 100);
  expect(book(agent)).toMatchObject({ shed: 0, held: 100 });
  world.clock.advance(20_000);
  world.file.write(...numbered("young", 10));
  await hasAppended(agent, 110);
  await agent.stop();
  const before = book(agent);
  expect(before.shed).toBeGreaterThan(0);
  // The batch that may have been sent already is not shed, however old it is.
  expect(before.held).toBeGreaterThan(10);
  expect(balance(before)).toBe(0);

  world.destination.away = false;
  const last = await world.started(config);
  await hasEnded(last);
  const after = book(last);
  expect(reasonsOf(last)).toEqual({ shed_ttl: before.shed });
  await last.stop();
  expect(after).toEqual({ ...before, sent: before.held, held: 0 });
  expect(balance(after)).toBe(0);
  expect(world.destination.lines.slice(-10)).toEqual(numbered("young", 10));
});
