import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { IngestGround } from "../../testing/ingest-ground.ts";
import { relayBatch } from "../../testing/relay-batch.ts";
import { SenderWatch } from "../sender-watch.ts";
import { RelayIntake, type RelayIntakeOptions } from "./relay-intake.ts";

describe("the relay's intake", () => {
  let on: IngestGround;
  const made: RelayIntake[] = [];

  beforeEach(() => {
    on = IngestGround.open();
  });
  afterEach(async () => {
    for (const intake of made.splice(0)) await intake.stop();
    await on.close();
  });

  function intakeOf(more: Partial<RelayIntakeOptions> = {}): RelayIntake {
    const tools = on.tools();
    const senders = new SenderWatch(tools.report);
    const intake = new RelayIntake({ ...tools, watch: on.watch, senders, agents: [], keys: undefined, ...more });
    made.push(intake);
    return intake;
  }

  const body = (bytes: Buffer, key = "fleet") => ({ bytes, key });

  test("answers when all of a body is stored, with how many records it were", async () => {
    const bytes = Buffer.concat([relayBatch({ first: 0, count: 5 }), relayBatch({ first: 5, count: 2 })]);
    expect(await intakeOf().take(body(bytes))).toBe(7);
    expect(await on.reader.totals()).toMatchObject({ stored: 7, missing: 0, repeated: 0 });
    expect(on.counters).toMatchObject({ stored: 7, relayed: 7, transactions: 1 });
  });

  test("a hundred that wait are one transaction", async () => {
    const intake = intakeOf();
    const bodies = Array.from({ length: 100 }, (_, n) => relayBatch({ first: 0, count: 3, agent: `gw${n}` }));
    const answers = await Promise.all(bodies.map((bytes) => intake.take(body(bytes))));
    expect(new Set(answers)).toEqual(new Set([3]));
    expect(on.counters).toMatchObject({ stored: 300, transactions: 1 });
  });

  test("the same body again, at once or later, is stored once", async () => {
    const intake = intakeOf();
    const bytes = relayBatch({ first: 0, count: 9 });
    await Promise.all([intake.take(body(bytes)), intake.take(body(bytes))]);
    await intake.take(body(bytes));
    expect(await on.reader.totals()).toMatchObject({ stored: 9, repeated: 18, missing: 0 });
  });

  test("one that is refused is told why, and the others of its round are stored", async () => {
    const intake = intakeOf({ agents: [{ topic: "{agent}", agent: "{agent}" }] });
    const answers = await Promise.allSettled([
      intake.take(body(relayBatch({ first: 0, count: 2 }), "gw1")),
      intake.take(body(Buffer.from("garbage"), "gw1")),
      intake.take(body(relayBatch({ first: 0, count: 2, agent: "gw2" }), "gw1")),
      intake.take(body(relayBatch({ first: 0, count: 2, agent: "gw2" }), "gw2")),
    ]);
    const codes = answers.map((answer) => (answer.status === "fulfilled" ? answer.value : answer.reason.code));
    expect(codes).toEqual([2, "CENTRAL_RELAY_CONTENT", "CENTRAL_RELAY_AGENT", 2]);
    expect(await on.stored()).toBe(4);
  });

  test("holds what comes while the store is away, and stores it when it is back", async () => {
    on.store.failures.push(...Array.from({ length: 5 }, () => "CENTRAL_STORE_UNAVAILABLE" as const));
    const taken = intakeOf().take(body(relayBatch({ first: 0, count: 4 })));
    await Bun.sleep(10);
    expect(on.counters.storeAvailable).toBe(false);
    expect(await taken).toBe(4);
    expect(on.counters).toMatchObject({ storeAvailable: true, stored: 4 });
    expect(on.said).toEqual(expect.arrayContaining(["store_away", "store_back"]));
  });

  test("away for longer: all that wait are told so, none of it is stored, and the next is taken", async () => {
    const intake = intakeOf({ holdMs: 30 });
    on.store.failures.push(...Array.from({ length: 1_000 }, () => "CENTRAL_STORE_UNAVAILABLE" as const));
    const first = intake.take(body(relayBatch({ first: 0, count: 4 })));
    await Bun.sleep(5);
    const second = intake.take(body(relayBatch({ first: 4, count: 4 })));
    const answers = await Promise.allSettled([first, second]);
    const away = { status: "rejected", reason: { code: "CENTRAL_STORE_UNAVAILABLE" } };
    expect(answers).toMatchObject([away, away]);
    on.store.failures.length = 0;
    expect(await intake.take(body(relayBatch({ first: 0, count: 4 })))).toBe(4);
    expect(await on.stored()).toBe(4);
  });

  test("another program's file in the store's place is an outage too", async () => {
    await on.watch.untilOpen(on.stop.signal);
    on.store.failures.push(...Array.from({ length: 1_000 }, () => "CENTRAL_STORE_FOREIGN" as const));
    const taken = intakeOf({ holdMs: 30 }).take(body(relayBatch({ first: 0, count: 4 })));
    await expect(taken).rejects.toMatchObject({ code: "CENTRAL_STORE_UNAVAILABLE" });
    expect(on.fatal).toEqual([]);
  });

  test("poison records are put aside one by one, the others are stored, in order", async () => {
    const poison = ["value 7", "value 8", "value 99"];
    on.store.poison = ({ value }) => poison.includes(String(value));
    const bytes = Buffer.concat([relayBatch({ first: 0, count: 50 }), relayBatch({ first: 50, count: 50 })]);
    expect(await intakeOf().take(body(bytes))).toBe(100);
    expect(await on.reader.totals()).toMatchObject({ stored: 97, deadLettered: 3, missing: 2 });
    const dead = await on.reader.deadLetters({ afterId: 0, limit: 10 });
    expect(dead.map(({ value }) => String(value))).toEqual(poison);
  });

  test("a body of very many records is stored in several transactions, and answered after the last", async () => {
    const bytes = Buffer.concat([0, 1, 2].map((n) => relayBatch({ first: n * 20_000, count: 20_000 })));
    expect(await intakeOf().take(body(bytes))).toBe(60_000);
    expect(on.counters.transactions).toBeGreaterThan(1);
    expect(await on.reader.totals()).toMatchObject({ stored: 60_000, missing: 0 });
  });

  test("signatures are looked at where they are: an agent that does not sign is named", async () => {
    await intakeOf({ keys: () => new Map() }).take(body(relayBatch({ first: 0, count: 2 })));
    expect(on.said).toContain("sender_changed");
  });

  test("told to stop it ends what is in hand, and turns away what waits", async () => {
    const intake = intakeOf();
    const taken = intake.take(body(relayBatch({ first: 0, count: 2 })));
    const stopped = intake.stop();
    await expect(intake.take(body(relayBatch({ first: 2, count: 2 })))).rejects.toMatchObject({
      code: "CENTRAL_STORE_UNAVAILABLE",
    });
    await stopped;
    const [outcome] = await Promise.allSettled([taken]);
    expect(on.counters.stored).toBe(outcome.status === "fulfilled" ? 2 : 0);
  });

  test("our own mistake ends the process, and whoever waits hears of it", async () => {
    on.store.failures.push("INVARIANT");
    await expect(intakeOf().take(body(relayBatch({ first: 0, count: 2 })))).rejects.toMatchObject({
      code: "INVARIANT",
    });
    expect(on.fatal).toHaveLength(1);
  });
});
