import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Heartbeat } from "../../shared/heartbeat/heartbeat.ts";
import { formatIdentity } from "../../shared/identity/identity.ts";
import type { HeardBeat } from "../fleet/presence.ts";
import { type AdmissionRules, anybody } from "../ledger/admission.ts";
import type { BatchSender } from "../records/batch-sender.ts";
import { blockOf, type PlainRecord } from "../records/record-block.ts";
import { testBeat } from "../testing/heartbeats.ts";
import { Heartbeats } from "./heartbeats.ts";

/** Heartbeats on their way into a store that keeps a list. */
class World {
  readonly heard: HeardBeat[] = [];
  readonly said: string[] = [];
  readonly clock = new VirtualClock();
  poison = "";
  readonly desk: Heartbeats;

  constructor(rules: AdmissionRules = anybody) {
    const hear = async (beats: readonly HeardBeat[]) => {
      if (beats.some(({ beat }) => beat.agent === this.poison))
        throw new AppError("CENTRAL_RECORD_POISON", "in a test");
      this.heard.push(...beats);
      return { kept: beats.length, older: 0, tooMany: 0 };
    };
    const report = (signal: { readonly name: string }, fields?: object) => {
      this.said.push(`${signal.name} ${JSON.stringify(fields)}`);
    };
    this.desk = new Heartbeats({ store: { hear }, rules, clock: this.clock, report });
  }

  async take(
    records: readonly PlainRecord[],
    more: { brokerTime?: boolean; sender?: BatchSender } = {},
  ): Promise<void> {
    const block = { ...blockOf(records, more.sender), ...(more.brokerTime === true ? { brokerTime: true } : {}) };
    await this.desk.take("beats", [{ block, from: 0, to: records.length }]);
  }
}

function record(beat: Partial<Heartbeat>, changes: Partial<PlainRecord> = {}): PlainRecord {
  const made = testBeat(beat);
  const { agent, epoch, n } = made;
  const numbers = { first: n, last: n, reason: undefined, eventTimeMs: 0 };
  const identity = formatIdentity({ agent, epoch, stream: "heartbeat", lane: 0, kind: "record", ...numbers });
  return {
    offset: n,
    timeMs: 5,
    key: Buffer.from(agent),
    value: Buffer.from(JSON.stringify(made)),
    identity,
    ...changes,
  };
}

test("the last of a run of heartbeats says all that the ones before it said", async () => {
  const world = new World();
  await world.take([
    record({ n: 1 }),
    record({ n: 2 }),
    record({ agent: "gw2", n: 1 }),
    record({ n: 3, run: "r2" }),
    record({ n: 4, run: "r2" }),
  ]);
  expect(world.heard.map(({ beat: { agent, run, n } }) => [agent, run, n])).toEqual([
    ["gw1", "r1", 2],
    ["gw2", "r1", 1],
    ["gw1", "r2", 4],
  ]);
});

test("heard is the broker's time where the topic has it, never ahead of ours; a clock of 2099 is no time of ours", async () => {
  const world = new World();
  const nowMs = world.clock.now();
  await world.take([record({ n: 1 }, { timeMs: nowMs - 9_000 })], { brokerTime: true });
  await world.take([record({ n: 2 }, { timeMs: nowMs + 9e9 })], { brokerTime: true });
  await world.take([record({ n: 3, atMs: 4_070_908_800_000 }, { timeMs: 4_070_908_800_000 })]);
  expect(world.heard.map(({ heardMs }) => heardMs)).toEqual([nowMs - 9_000, nowMs, nowMs]);
});

test("what is no heartbeat is counted and said, and nothing else is held up by it", async () => {
  const world = new World();
  await world.take([
    record({ n: 1 }, { value: Buffer.alloc(200_000, 0x20) }),
    record({ n: 2 }, { value: Buffer.from("{") }),
    record({ n: 3 }, { key: Buffer.from("somebody-else") }),
    record({ n: 4 }, { key: undefined }),
    record({ n: 5 }, { identity: "gw9/e1/heartbeat.0/1@0" }),
    record({ n: 6 }, { value: undefined }),
    record({ n: 7 }),
  ]);
  expect(world.heard.map(({ beat }) => beat.n)).toEqual([7]);
  expect(world.desk.counts()).toEqual({ kept: 1, older: 0, refused: 5 });
  expect(world.said).toHaveLength(5);
});

test("whoever may not name an agent in a record may not in a heartbeat", async () => {
  const bound = new World({ ...anybody, topics: [{ topic: "beats", agent: "gw1" }] });
  await bound.take([record({ agent: "gw1" }), record({ agent: "gw2" })]);
  expect(bound.heard.map(({ beat }) => beat.agent)).toEqual(["gw1"]);
  const signed = new World({ ...anybody, signatures: "require" });
  await signed.take([record({})]);
  await signed.take([record({})], { sender: { kind: "signed", agent: "gw2", keyId: "k" } });
  expect(signed.heard).toEqual([]);
  await signed.take([record({})], { sender: { kind: "signed", agent: "gw1", keyId: "k" } });
  expect(signed.heard).toHaveLength(1);
});

test("one that the store itself cannot take is put aside alone", async () => {
  const world = new World();
  world.poison = "gw3";
  await world.take(["gw1", "gw2", "gw3", "gw4"].map((agent) => record({ agent })));
  expect(world.heard.map(({ beat }) => beat.agent)).toEqual(["gw1", "gw2", "gw4"]);
  expect(world.desk.counts()).toMatchObject({ kept: 3, refused: 1 });
});
