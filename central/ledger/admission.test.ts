import { describe, expect, test } from "bun:test";
import type { BatchSender } from "../records/batch-sender.ts";
import { blockOf } from "../records/record-block.ts";
import { MemoryLedger } from "../testing/memory-ledger.ts";
import { noonMs, shedMarker, testRecord } from "../testing/records.ts";
import { type AdmissionRules, admissionOn, anybody, type SignatureMode, vehiclesOf } from "./admission.ts";
import { defaultQuotas } from "./limits.ts";

const unsigned = (agent: string): BatchSender => ({ kind: "unsigned", agent });
const signed = (agent: string): BatchSender => ({ kind: "signed", agent, keyId: "k1" });

function may(agent: string, topic: string, ...topics: AdmissionRules["topics"]): boolean {
  return admissionOn(topic, { ...anybody, topics })?.(agent, unsigned(agent)) === undefined;
}

describe("a topic's agents", () => {
  const own = { topic: "vehicles.{agent}", agent: "{agent}" };

  test.each([
    ["gw-1", "vehicles.gw-1", true],
    ["gw-2", "vehicles.gw-1", false],
    ["gw", "vehicles.gw-1", false],
    ["gw-1", "vehiclesXgw-1", true], // another topic: no rule fits
    ["gw-1", "vehicles.", true],
    ["gw-1", "vehicles.gw-1.more", true],
  ])("%s in %s: %p", (agent, topic, allowed) => {
    expect(may(agent, topic, own)).toBe(allowed);
  });

  test("the first rule that fits counts, and the last may close what is left", () => {
    const rules = [own, { topic: "depot-*", agent: "bus-*" }, { topic: "*", agent: "nobody" }];
    expect(may("bus-7", "depot-north", ...rules)).toBe(true);
    expect(may("car-7", "depot-north", ...rules)).toBe(false);
    expect(may("gw-1", "elsewhere", ...rules)).toBe(false);
    expect(may("gw-1", "vehicles.gw-1", ...rules)).toBe(true);
  });

  test("what means something in a regular expression means nothing here", () => {
    expect(may("gw-1", "a.b", { topic: "a.b", agent: "gw-1" })).toBe(true);
    expect(may("x", "aXb", { topic: "a.b", agent: "gw-1" })).toBe(true);
    expect(may("gw-2", "one.gw-1.gw-1", { topic: "one.{agent}.{agent}", agent: "{agent}" })).toBe(false);
    expect(may("gw-1", "one.gw-1.gw-1", { topic: "one.{agent}.{agent}", agent: "{agent}" })).toBe(true);
  });

  test("no rules: nobody need be asked", () => {
    expect(admissionOn("t", { ...anybody, signatures: "observe" })).toBeUndefined();
  });
});

describe("an agent's vehicles", () => {
  const rules = {
    ...anybody,
    vehicles: [
      { agent: "gw-{id}", vehicle: "car-{id}" },
      { agent: "depot", vehicle: "bus-*" },
    ],
  };

  test.each([
    ["gw-7", "car-7", true],
    ["gw-7", "car-8", false],
    ["gw-7", "car-77", false],
    ["depot", "bus-12", true],
    ["depot", "car-7", false],
    ["other", "car-7", true], // no rule fits
  ])("%s names %s: %p", (agent, vehicle, allowed) => {
    expect(vehiclesOf(agent, rules)?.(vehicle) ?? true).toBe(allowed);
  });

  test("a record that names another's vehicle touches neither its state nor the books", () => {
    const ledger = new MemoryLedger(defaultQuotas, {
      ...anybody,
      vehicles: [{ agent: "gw{id}", vehicle: "car-{id}" }],
    });
    const { refused, counts } = ledger.append(
      [testRecord({ offset: 0 }), testRecord({ offset: 1, vehicle: "car-2" }), testRecord({ offset: 2, agent: "gw2" })],
      noonMs,
    );
    expect(refused).toEqual([{ offset: 1, records: 2, reason: "a vehicle that its agent does not speak for" }]);
    expect([counts.stored, ledger.series.size, ledger.lanes.size]).toEqual([1, 1, 1]);
  });
});

describe("in the ledger", () => {
  const rules = (signatures: SignatureMode): AdmissionRules => ({ ...anybody, signatures });

  function put(ledger: MemoryLedger, sender: BatchSender, records = [testRecord({ offset: 0 })]) {
    return ledger.appendBlocks([blockOf(records, sender)], noonMs);
  }

  test("what is not signed by the agent that it names is refused and marks nothing, markers too", () => {
    const ledger = new MemoryLedger(defaultQuotas, rules("require"));
    for (const sender of [
      unsigned("gw1"),
      signed("gw2"),
      { kind: "wrong", agent: "gw1", reason: "with a key that is not its agent's" },
      { kind: "unchecked" },
    ] as const) {
      const plan = put(ledger, sender, [testRecord({ offset: 0 }), shedMarker(1, 5, 9), testRecord({ offset: 2 })]);
      expect(plan.refused).toMatchObject([{ offset: 0, records: 3 }]);
    }
    expect([ledger.lanes.size, ledger.series.size, ledger.accounts.get("gw1")]).toEqual([0, 0, undefined]);
    expect(put(ledger, signed("gw1")).counts).toMatchObject({ stored: 1, refused: 0, conflicts: 0 });
  });

  test("an admitted batch lends nothing to the next one", () => {
    const ledger = new MemoryLedger(defaultQuotas, rules("require"));
    const plan = ledger.appendBlocks(
      [
        blockOf([testRecord({ offset: 0 }), testRecord({ offset: 1 })], signed("gw1")),
        blockOf([testRecord({ offset: 2 })], unsigned("gw1")),
        blockOf([testRecord({ offset: 3 })], signed("gw1")),
      ],
      noonMs,
    );
    expect(plan.refused.map(({ offset }) => offset)).toEqual([2]);
    expect(plan.counts.stored).toBe(3);
  });

  test("a batch with records of two agents: only those of the one that signed it count", () => {
    const ledger = new MemoryLedger(defaultQuotas, rules("require"));
    const records = [testRecord({ offset: 0 }), testRecord({ offset: 1, agent: "gw2" }), testRecord({ offset: 2 })];
    expect(put(ledger, signed("gw1"), records).refused.map(({ offset }) => offset)).toEqual([1]);
  });

  test("a conflict names who had the number and who came after", () => {
    const ledger = new MemoryLedger(defaultQuotas, rules("observe"));
    put(ledger, signed("gw1"));
    const plan = put(ledger, unsigned("gw1"), [testRecord({ offset: 1, seq: 0, value: "other" })]);
    expect(plan.conflicts.map(({ heldBy, event }) => [heldBy, event.sender])).toEqual([
      ["drive/0, signed with key k1", "unsigned"],
    ]);
  });
});
