import { type Random, seededRandom, systemRandom } from "../../../shared/random/random.ts";

/** What is random in a test comes from here: `TAILGATE_SEED=N` repeats a run's choices; else each run has its own, and says it. */
export function testRandom(promise: string): Random & { between(low: number, high: number): number } {
  const seed = Number(process.env.TAILGATE_SEED ?? Math.floor(systemRandom.next() * 2 ** 31));
  console.log(`${promise}: TAILGATE_SEED=${seed}`);
  const random = seededRandom(seed);
  return {
    next: () => random.next(),
    between: (low, high) => low + random.next() * (high - low),
  };
}

/** Whether what takes long is to take as long as the promise says, and not its short form. */
export const longForm = process.env.TAILGATE_LONG === "1";
