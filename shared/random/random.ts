/** Random numbers come in from outside, so that a seed repeats a run exactly. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** Seeded and repeatable: mulberry32 (Tommy Ettinger, public domain). For jitter, tests and simulation, never for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return {
    next() {
      state = (state + 0x6d2b79f5) >>> 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    },
  };
}

/** The machine's own. */
export const systemRandom: Random = { next: () => Math.random() };
