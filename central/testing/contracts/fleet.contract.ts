/** What a store that keeps the fleet promises; one that does not is named in the output. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { Heartbeat } from "../../../shared/heartbeat/heartbeat.ts";
import { hourMs } from "../../ledger/hours.ts";
import type { PlainRecord } from "../../records/record-block.ts";
import { lastMark } from "../../records/record-slices.ts";
import { agentsMax, type FleetReader, type FleetStore, type JoinedLane } from "../../store/fleet-port.ts";
import type { Position } from "../../store/store.ts";
import { testBeat, testLane } from "../heartbeats.ts";
import { shedMarker, slicesOf, testRecord } from "../records.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Runs the suite. */
export function fleetContract(name: string, open: OpenStore): void {
  describe(`fleet contract: ${name}`, () => {
    let under: StoreUnderTest;
    let position: Position | undefined;
    const hour = Math.floor(Date.now() / hourMs) - 5;
    const everything = { agent: undefined, fromMs: 0, toMs: 8.64e15, before: undefined, limit: 100 };

    beforeEach(async () => {
      under = await open();
      position = undefined;
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    async function put(records: readonly PlainRecord[]): Promise<void> {
      const slices = slicesOf(records);
      const before = lastMark(slices);
      const next = (before?.offset ?? -1) + 1;
      const at = { topic: "drive", partition: 0, seen: position, next, before, records: slices };
      position = (await under.store.append({ ...at, dead: [], damaged: [], gap: undefined })).position;
    }

    const hear = async (beat: Partial<Heartbeat>, heardMs: number) =>
      await fleetOf(under).store.hear([{ beat: testBeat(beat), heardMs }], heardMs);

    async function lanes(): Promise<readonly JoinedLane[]> {
      const found: JoinedLane[] = [];
      await fleetOf(under).reader.lanes(undefined, (lane) => found.push(lane));
      return found;
    }

    const kept = (what: string, body: () => Promise<void>) =>
      test(what, async () => {
        if (under.store.fleet !== undefined && under.reader.fleet !== undefined) return await body();
        process.stderr.write(`${name} keeps nothing of the fleet: "${what}" does not hold\n`);
      });

    kept("keeps the newest heartbeat of each agent; heard again it changes nothing", async () => {
      expect(await hear({ n: 2, version: "2" }, 1_000)).toEqual({ kept: 1, older: 0, tooMany: 0 });
      expect(await hear({ n: 2, version: "x" }, 2_000)).toEqual({ kept: 0, older: 1, tooMany: 0 });
      await hear({ agent: "gw0" }, 5_000);
      const agents = await fleetOf(under).reader.agents();
      expect(agents.map(({ agent, presence }) => [agent, presence?.version, presence?.heardMs])).toEqual([
        ["gw0", "1", 5_000],
        ["gw1", "2", 1_000],
      ]);
    });

    kept("joins what an agent says of its lanes with the ledger, shed and dead apart", async () => {
      await put([
        testRecord({ offset: 0 }),
        shedMarker(1, 1, 2),
        shedMarker(2, 3, 3, "dead"),
        testRecord({ offset: 3, seq: 6 }),
      ]);
      await put([testRecord({ offset: 4, seq: 0, agent: "gw0" })]);
      await hear(
        { lanes: [testLane({ assigned: 9, unsentFrom: 7, held: 2, unsentMs: 77 }), testLane({ stream: "status" })] },
        1_000,
      );
      const found = await lanes();
      expect(
        found.map(({ agent, stream, ledger, beat }) => [
          agent,
          stream,
          ledger?.shed,
          ledger?.dead,
          ledger?.missing,
          beat?.assigned,
        ]),
      ).toEqual([
        ["gw1", "drive", 2, 1, 2, 9],
        ["gw0", "drive", 0, 0, 0, undefined],
        ["gw1", "status", undefined, undefined, undefined, 10],
      ]);
      const [gw0, gw1] = (await fleetOf(under).reader.agents()).toSorted((a, b) => (a.agent < b.agent ? -1 : 1));
      expect([gw0?.presence, gw1?.oldestUnsentMs]).toEqual([undefined, 77]);
      expect(await fleetOf(under).reader.agentNames("", 10)).toEqual(["gw0", "gw1"]);
      expect(await fleetOf(under).reader.agentNames("gw0", 10)).toEqual(["gw1"]);
    });

    kept("counts each hour of a lane once, and gives the holes of the hours that are asked for", async () => {
      const at = (offset: number, seq: number, of: number) => testRecord({ offset, seq, timeMs: of * hourMs + seq });
      await put([at(0, 0, hour), at(1, 1, hour), at(2, 4, hour + 1)]);
      await put([at(3, 4, hour + 1), at(4, 9, hour + 3), testRecord({ offset: 5, seq: 10, timeMs: 0 })]);
      const query = { agent: "gw1", stream: undefined, fromHour: hour, toHour: hour + 2, holesMax: 100 };
      const [facts] = await fleetOf(under).reader.hours(query);
      expect(facts?.hours).toEqual([
        { hour, stored: 2, late: 2, repeated: 0, shed: 0, dead: 0, firstSeq: 0, lastSeq: 1 },
        { hour: hour + 1, stored: 1, late: 1, repeated: 1, shed: 0, dead: 0, firstSeq: 4, lastSeq: 4 },
        { hour: hour + 3, stored: 1, late: 1, repeated: 0, shed: 0, dead: 0, firstSeq: 9, lastSeq: 9 },
      ]);
      expect(facts?.missing.map(({ first, last }) => [first, last])).toEqual([
        [2, 3],
        [5, 8],
      ]);
      expect(await fleetOf(under).reader.hours({ ...query, stream: "status" })).toEqual([]);
      expect((await fleetOf(under).reader.hours({ ...query, holesMax: 2 }))[0]?.cut).toBe(true);
    });

    kept("keeps outages, and when all that waited has left the vehicle", async () => {
      const missed = { stream: "drive", epoch: "e1", lane: 0, first: 3, last: 7 };
      const outage = { id: 1, endedAgoMs: 0, forMs: 60_000, lanes: [missed], lanesCut: 2 };
      await hear({ n: 1 }, 1_000_000);
      await hear({ n: 2, outages: [outage], lanes: [testLane({ unsentFrom: 4, held: 6 })] }, 2_000_000);
      const { reader } = fleetOf(under);
      const told = { agent: "gw1", kind: "link", fromMs: 1_940_000, toMs: 2_000_000, missed: [missed], missedCut: 2 };
      expect(await reader.outages(everything)).toMatchObject([{ ...told, caughtUpMs: undefined }]);
      await hear({ n: 3, outages: [outage], lanes: [testLane()] }, 2_030_000);
      expect(await reader.outages(everything)).toMatchObject([{ ...told, caughtUpMs: 2_030_000 }]);
      await hear({ run: "r2" }, 4_000_000);
      const all = await reader.outages(everything);
      expect(all.map(({ kind }) => kind)).toEqual(["killed", "link"]);
      const [newest] = all;
      invariant(newest !== undefined, "there are two");
      const page = await reader.outages({ ...everything, before: [newest.fromMs, newest.id] });
      expect(page.map(({ kind }) => kind)).toEqual(["link"]);
      expect(await reader.outages({ ...everything, agent: "gw0" })).toEqual([]);
      expect(await reader.outages({ ...everything, toMs: 1_940_000 })).toEqual([]);
      expect(await reader.outages({ ...everything, fromMs: 4_000_001 })).toEqual([]);
    });

    kept("says what became of numbers that waited", async () => {
      await put([testRecord({ offset: 0 }), shedMarker(1, 1, 4), testRecord({ offset: 2, seq: 7 })]);
      const range = { stream: "drive", epoch: "e1", lane: 0, first: 3, last: 9 };
      const { ranges, nextSeq } = await fleetOf(under).reader.fate("gw1", range, 100);
      expect(nextSeq).toBe(8);
      expect(ranges.map(({ first, last, kind, reason }) => [first, last, kind, reason])).toEqual([
        [3, 4, "shed", "overflow"],
        [5, 6, "missing", undefined],
        [7, 7, "received", undefined],
      ]);
      expect(await fleetOf(under).reader.fate("gw9", range, 100)).toMatchObject({ ranges: [], nextSeq: 0 });
    });

    kept("an agent whose books are forgotten is forgotten, and opens new ones", async () => {
      await put([testRecord({ offset: 0 })]);
      await hear({ lanes: [testLane()] }, 1_000);
      await hear({ run: "r2" }, 9_000_000);
      await under.store.forget({ agent: "gw1" });
      expect(await fleetOf(under).reader.agents()).toEqual([]);
      expect(await lanes()).toEqual([]);
      expect(await fleetOf(under).reader.outages(everything)).toEqual([]);
      await hear({ n: 1 }, 9_000_001);
      expect(await fleetOf(under).reader.agents()).toHaveLength(1);
    });

    kept("keeps so many agents and no more; one that was silent for a month gives way", async () => {
      const nowMs = 1_000_000;
      const beats = Array.from({ length: agentsMax }, (_, index) => ({
        beat: testBeat({ agent: `x${index}` }),
        heardMs: nowMs,
      }));
      const { store, reader } = fleetOf(under);
      expect((await store.hear(beats, nowMs)).kept).toBe(agentsMax);
      expect(await store.hear([{ beat: testBeat({ agent: "new" }), heardMs: nowMs }], nowMs)).toMatchObject({
        tooMany: 1,
      });
      expect((await store.hear([{ beat: testBeat({ agent: "x5", n: 2 }), heardMs: nowMs }], nowMs)).kept).toBe(1);
      const later = nowMs + 31 * 86_400_000;
      expect((await store.hear([{ beat: testBeat({ agent: "new" }), heardMs: later }], later)).kept).toBe(1);
      expect(await reader.agents()).toHaveLength(agentsMax);
    });
  });
}

function fleetOf({ store, reader }: StoreUnderTest): { readonly store: FleetStore; readonly reader: FleetReader } {
  invariant(store.fleet !== undefined && reader.fleet !== undefined, "asked of a store that keeps the fleet");
  return { store: store.fleet, reader: reader.fleet };
}
