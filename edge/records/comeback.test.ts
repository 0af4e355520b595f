import { expect, test } from "bun:test";
import { sleep } from "../../shared/async/sleep.ts";
import { seededRandom } from "../../shared/random/random.ts";
import { Comeback } from "./comeback.ts";

const servers = [{ host: "broker", port: 9092 }];
const forever = new AbortController().signal;

/** A cluster that is away until told otherwise. */
function cluster() {
  const state = { listens: false, answers: true, knocks: 0, questions: 0 };
  const comeback = (seed: number) =>
    new Comeback({
      servers,
      random: seededRandom(seed),
      knock: async () => {
        state.knocks++;
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
  // By the waits that were asked for: what a busy machine makes of them is not ours.
  const waitsMs: number[] = [];
  for (let seed = 0; seed < 200; seed++) {
    const asked = Promise.withResolvers<void>();
    const pause = async (ms: number, signal: AbortSignal) => {
      waitsMs.push(ms);
      asked.resolve();
      await sleep(60_000, signal);
    };
    const ask = () => Promise.reject(new Error("nobody listens"));
    const prober = new Comeback({ servers, random: seededRandom(seed), knock: async () => false, ask, pause });
    const stop = new AbortController();
    const waited = prober.wait(stop.signal);
    await asked.promise;
    stop.abort();
    await waited;
    prober.stop();
  }
  const slots = new Map<number, number>();
  for (const ms of waitsMs) {
    const slot = Math.floor(ms / 30);
    slots.set(slot, (slots.get(slot) ?? 0) + 1);
  }
  expect(waitsMs.length).toBe(200);
  expect(Math.max(...slots.values())).toBeLessThan(40);
  expect(Math.max(...waitsMs)).toBeLessThanOrEqual(600);
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
