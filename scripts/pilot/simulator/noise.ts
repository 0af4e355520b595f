/**
 * Numbers that look random and are a pure function of where they stand: line 1,000,000 can be written without writing
 * the lines before it, which is what lets a checker know every line from the seed alone.
 */

/** A number in [0, 1) for a seed and up to three coordinates (murmur3's finaliser over a mix of the four). */
export function noise(seed: number, a: number, b = 0, c = 0): number {
  let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(a + 0x7f4a7c15, 0xc2b2ae35);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) ^ Math.imul(b + 0x165667b1, 0x27d4eb2f);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0x297a2d39) ^ Math.imul(c + 0x3c6ef372, 0x9e3779b1);
  mixed ^= mixed >>> 16;
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 4294967296;
}

/** A value that wanders smoothly between `low` and `high` as `step` grows, with its own phase and period. */
export function wander(seed: number, channel: number, step: number, low: number, high: number, period: number): number {
  const phase = noise(seed, channel) * period;
  const slow = Math.sin(((step + phase) * 2 * Math.PI) / period);
  const quick = Math.sin(((step + 3 * phase) * 2 * Math.PI) / (period / 7.3));
  return low + (high - low) * (0.5 + 0.38 * slow + 0.12 * quick);
}
