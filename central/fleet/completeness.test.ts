import { expect, test } from "bun:test";
import type { ShedReason } from "../../shared/identity/identity.ts";
import { type Random, seededRandom } from "../../shared/random/random.ts";
import { hourMs, isDead, LaneHours } from "../ledger/hours.ts";
import { LaneRanges } from "../ledger/ranges.ts";
import { cellsOf, type LaneFacts } from "./completeness.ts";
import { bookOf } from "./lane-book.ts";
import type { LaneBeat } from "./presence.ts";

const hours = { from: 0, to: 1_000_000 };
const firstHour = 472_000;
const reasons: readonly ShedReason[] = ["overflow", "ttl", "oversized", "dead", "damaged"];

/** What happened to each number of a lane, told apart one by one. */
interface Number {
  hour: number;
  fate: "stored" | "shed" | "dead" | "missing" | "vehicle" | "way";
  late: boolean;
  repeats: number;
}

interface World {
  readonly numbers: Number[];
  readonly facts: LaneFacts;
  readonly ledger: Parameters<typeof bookOf>[0];
  readonly beat: LaneBeat;
}

/** A lane whose records were given in order, an hour now and then, and of which a part came. */
function lane(random: Random): World {
  const count = 1 + Math.floor(random.next() * 60);
  const nowMs = (firstHour + 100) * hourMs;
  const tallies = new LaneHours(nowMs, 10 * hourMs);
  const ranges = new LaneRanges([]);
  const nextSeq = Math.floor(random.next() * (count + 1));
  const unsentFrom = nextSeq + Math.floor(random.next() * (count - nextSeq + 1));
  const numbers: Number[] = [];
  let hour = firstHour;
  for (let seq = 0; seq < count; seq++) {
    if (random.next() < 0.2) hour += 1 + Math.floor(random.next() * 3);
    const dice = random.next();
    const timeMs = hour * hourMs + Math.floor(random.next() * hourMs);
    // The first and the last that came are known: what lies before the one is no hole, after the other nothing came.
    const comes = seq === 0 || seq === nextSeq - 1 || dice < 0.5;
    const number: Number = { hour, fate: "missing", late: false, repeats: 0 };
    numbers.push(number);
    if (seq >= unsentFrom) number.fate = "vehicle";
    else if (seq >= nextSeq) number.fate = "way";
    else if (comes) {
      number.fate = "stored";
      number.late = nowMs - timeMs > 10 * hourMs;
      ranges.receive(seq);
      tallies.stored(timeMs, seq);
      while (random.next() < 0.1) {
        number.repeats++;
        tallies.repeated(timeMs);
      }
    } else if (dice < 0.75) {
      const reason = reasons[Math.floor(random.next() * reasons.length)] ?? "overflow";
      number.fate = isDead(reason) ? "dead" : "shed";
      tallies.shed({ first: seq, last: seq, reason, timeMs }, ranges.shed(seq, seq, reason));
    }
  }
  // A number that did not come has the hour of the last one before it that has one.
  // Where none is known before it, that of the first one that is in the vehicle, or when the agent was heard.
  const heardHour = Math.floor(nowMs / hourMs);
  let known = nextSeq > 0 ? (numbers[0]?.hour ?? firstHour) : (numbers[unsentFrom]?.hour ?? heardHour);
  for (const number of numbers) {
    if (number.fate === "stored" || number.fate === "shed" || number.fate === "dead") known = number.hour;
    else if (number.fate === "missing" || number.fate === "way") number.hour = known;
  }
  const told: [number, number][] = [];
  numbers.forEach(({ hour: own, fate }, seq) => {
    if (fate === "vehicle" && told.at(-1)?.[0] !== own) told.push([own, seq]);
  });
  const missing = numbers.flatMap(({ fate }, seq) => (fate === "missing" ? [{ first: seq, last: seq }] : []));
  const beat: LaneBeat = {
    stream: "drive",
    epoch: "e1",
    lane: 0,
    to: "drive",
    assigned: count,
    unsentFrom,
    held: count - unsentFrom,
    unsentMs: unsentFrom < count ? (numbers[unsentFrom]?.hour ?? 0) * hourMs : undefined,
    hours: told,
    heardMs: nowMs,
    sentMs: nowMs,
  };
  const tallied = [...tallies.all()].toSorted((a, b) => a.hour - b.hour);
  const facts = { agent: "gw-1", stream: "drive", nextSeq, beat, hours: tallied, missing, cut: false };
  const sum = (fate: Number["fate"]) => numbers.filter((each) => each.fate === fate).length;
  const ledger = {
    beforeFirst: 0,
    nextSeq,
    received: sum("stored"),
    shed: sum("shed"),
    dead: sum("dead"),
    missing: sum("missing"),
    updatedAtMs: nowMs,
  };
  return { numbers, facts, ledger, beat };
}

test("hours: as a model that knows every number's fate, for random lanes", () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = seededRandom(seed);
    const lanes = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => lane(random));
    const model = new Map<number, Record<string, number>>();
    for (const { hour, fate, late, repeats } of lanes.flatMap(({ numbers }) => numbers)) {
      const names = {
        stored: "stored",
        shed: "shed",
        dead: "dead",
        missing: "missing",
        vehicle: "inVehicle",
        way: "onTheWay",
      };
      const sums = model.get(hour) ?? {};
      model.set(hour, sums);
      const add = (name: string, amount: number) => {
        sums[name] = (sums[name] ?? 0) + amount;
      };
      add(names[fate], 1);
      add("late", Number(late));
      add("repeated", repeats);
      add("expected", 1);
    }
    const cells = cellsOf(
      "gw-1",
      "drive",
      lanes.map(({ facts }) => facts),
      hours,
    );
    const none = {
      expected: 0,
      stored: 0,
      inVehicle: 0,
      onTheWay: 0,
      shed: 0,
      dead: 0,
      missing: 0,
      late: 0,
      repeated: 0,
    };
    const wanted = [...model]
      .toSorted(([a], [b]) => a - b)
      .map(([hour, sums]) => ({ agent: "gw-1", stream: "drive", hour, ...none, ...sums }));
    expect(cells).toEqual(wanted);
  }
});

test("books: every number of a random lane is somewhere, and the parts are their sum", () => {
  for (let seed = 0; seed < 500; seed++) {
    const { numbers, ledger, beat } = lane(seededRandom(seed));
    for (const nowMs of [beat.sentMs, beat.sentMs + 1e9]) {
      const book = bookOf(ledger, beat, nowMs, 300_000);
      const { beforeFirst, stored, inVehicle, onTheWay, shed, dead, missing, difference } = book;
      expect(book.assigned).toBe(numbers.length);
      expect(beforeFirst + stored + inVehicle + onTheWay + shed + dead + missing + difference).toBe(book.assigned);
      const way = numbers.filter(({ fate }) => fate === "way").length;
      expect(nowMs === beat.sentMs ? onTheWay : difference).toBe(way);
    }
  }
});

test("books: numbers that no agent gave, and claims beyond all reason, are differences", () => {
  const { ledger, beat } = lane(seededRandom(1));
  const forged = bookOf(
    {
      ...ledger,
      nextSeq: beat.assigned + 5,
      received: ledger.received + beat.assigned + 5 - ledger.nextSeq,
      updatedAtMs: 0,
    },
    { ...beat, heardMs: 1e9 },
    1e9,
    300_000,
  );
  expect(forged.difference).toBe(-5);
  const absurd = bookOf(ledger, { ...beat, assigned: 2 ** 48, unsentFrom: 2 ** 48 }, 0, 300_000);
  expect(absurd.why).toContain("claims more than");
  expect(absurd.assigned).toBe(ledger.nextSeq + 2 ** 32);
  expect(bookOf(ledger, undefined, 0, 0)).toMatchObject({ assigned: ledger.nextSeq, difference: 0 });
});
