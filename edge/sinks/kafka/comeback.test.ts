import { expect, test } from "bun:test";
import { seededRandom } from "../../../shared/random/random.ts";
import { Comeback } from "./comeback.ts";

const brokers = [{ host: "broker", port: 9092 }];
const forever = new AbortController().signal;

/** A cluster that is away until told otherwise. */
function cluster() {
  const state = { listens: false, answers: true, knocks: 0, questions: 0, knockedMs: [] as number[] };
  const comeback = (seed: number) =>
    new Comeback({
      brokers,
      random: seededRandom(seed),
      knock: async () => {
        state.knocks++;
        state.knockedMs.push(performance.now());
        return state.listens;
      },
      ask: async () => {
        state.questions++;
        if (!state.answers) throw new Error("not yet");
      },
    });
  return { state, comeback };
}

test("lanes are woken within a second of the brokers' return, all by one prober", async () => {
  const { state, comeback } = cluster();
  const prober = comeback(1);
  const woken = Promise.all(Array.from({ length: 50 }, () => prober.wait(forever)));
  while (state.knocks < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const backMs = performance.now();
  state.listens = true;
  await woken;
  expect(performance.now() - backMs).toBeLessThan(1_000);
  expect(state.questions).toBe(1);
  prober.stop();
});

test("who opens but does not answer is asked less and less often", async () => {
  const { state, comeback } = cluster();
  state.listens = true;
  state.answers = false;
  const prober = comeback(1);
  const stop = new AbortController();
  const waited = prober.wait(stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(state.questions).toBeGreaterThan(1);
  expect(state.questions).toBeLessThanOrEqual(5);
  stop.abort();
  await waited;
  prober.stop();
});

test("many agents knock at moments that are spread", async () => {
  const { state, comeback } = cluster();
  const probers = Array.from({ length: 200 }, (_, seed) => comeback(seed));
  const startMs = performance.now();
  const stop = new AbortController();
  const waits = probers.map((prober) => prober.wait(stop.signal));
  while (state.knocks < 200) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort();
  await Promise.all(waits);
  for (const prober of probers) prober.stop();
  const tenths = new Map<number, number>();
  for (const ms of state.knockedMs) {
    const tenth = Math.floor((ms - startMs) / 30);
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1);
  }
  expect(Math.max(...tenths.values())).toBeLessThan(80);
});

test("nobody waits: nobody knocks", async () => {
  const { state, comeback } = cluster();
  const prober = comeback(1);
  const stop = new AbortController();
  const waited = prober.wait(stop.signal);
  stop.abort();
  await waited;
  await new Promise((resolve) => setTimeout(resolve, 700));
  expect(state.knocks).toBe(0);
});
