import { expect, test } from "bun:test";
import { until } from "../../../shared/testing/until.ts";
import { arrivalOf } from "../../testing/ingest-ground.ts";
import type { ConsumerHandler, Outcome } from "../consumer.ts";
import { Siding, type Waiting } from "./siding.ts";
import { Unloading } from "./unloading.ts";

const stopping = new AbortController();
const again: Outcome = { kind: "again", start: 0 };
const done: Outcome = { kind: "done" };

/** Fetches that wait beside each other, and what was heard of their turns, in order. */
function ground(stop: AbortController = stopping) {
  const heard: string[] = [];
  const siding = new Siding(stop.signal);
  /** A fetch of one arrival whose turns end with these outcomes; it is over after the last one. */
  function fetch(name: string, outcomes: readonly (Outcome | Error)[], assignment = new AbortController()): Waiting {
    const left = [...outcomes];
    const handler: ConsumerHandler = {
      assigned: async () => 0,
      deliver: async () => {
        const outcome = left.shift();
        if (outcome === undefined) throw new Error("more turns than expected");
        if (outcome instanceof Error) throw outcome;
        return outcome;
      },
    };
    const context = { heartbeat: async () => {}, topicId: async () => undefined, signal: assignment.signal };
    return {
      unloading: new Unloading([arrivalOf([])].values(), handler, context),
      assignment: assignment.signal,
      after: (step) => {
        heard.push(`${name} ${step?.outcome.kind ?? "end"}`);
        return step !== undefined;
      },
      failed: (thrown) => heard.push(`${name} ${String(thrown)}`),
    };
  }
  return { heard, siding, fetch };
}

test("fetches that wait have their turns one after the other, and each ends by itself", async () => {
  const { heard, siding, fetch } = ground();
  siding.take(fetch("a", [again, done]), 0);
  siding.take(fetch("b", [done]), 0);
  await until("both to be over", () => siding.isEmpty);
  expect(heard.filter((word) => word.startsWith("a"))).toEqual(["a again", "a done", "a end"]);
  expect(heard.filter((word) => word.startsWith("b"))).toEqual(["b done", "b end"]);
  // Two floods do not take two turns in a row: b's first one comes before a's last.
  expect(heard.indexOf("b done")).toBeLessThan(heard.indexOf("a end"));
});

test("who has to rest is passed by, and comes to its turn after its rest", async () => {
  const { heard, siding, fetch } = ground();
  siding.take(fetch("rests", [done]), 60_000);
  siding.take(fetch("quick", [again, done]), 0);
  await until("the quick one to be over", () => heard.includes("quick end"));
  expect(heard).toEqual(["quick again", "quick done", "quick end"]);
  expect(siding.isEmpty).toBe(false);

  const second = ground();
  second.siding.take(second.fetch("rests", [done]), 30);
  await until("its rest to be over", () => second.siding.isEmpty);
  expect(second.heard).toEqual(["rests done", "rests end"]);
});

test("a partition that is taken away is forgotten without a word, whatever it waits for", async () => {
  const { heard, siding, fetch } = ground();
  const assignment = new AbortController();
  siding.take(fetch("gone", [done], assignment), 60_000);
  assignment.abort();
  await until("it to be forgotten", () => siding.isEmpty);
  expect(heard).toEqual([]);
});

test("a failure is told to whoever waits, and the others go on", async () => {
  const { heard, siding, fetch } = ground();
  siding.take(fetch("bad", [new Error("broken")]), 0);
  siding.take(fetch("good", [done]), 0);
  await until("both to be over", () => siding.isEmpty);
  expect(heard.toSorted()).toEqual(["bad Error: broken", "good done", "good end"]);
});

test("four may wait, and a stop leaves what waits where it is", async () => {
  const stop = new AbortController();
  const { heard, siding, fetch } = ground(stop);
  for (const name of ["a", "b", "c", "d"]) {
    expect(siding.isFull).toBe(false);
    siding.take(fetch(name, [done]), 60_000);
  }
  expect(siding.isFull).toBe(true);
  stop.abort();
  await siding.stop();
  expect(heard).toEqual([]);
});
