import { noise } from "./noise.ts";
import { renderLine, type Scenario } from "./scenario.ts";

/** Whether a line of garbage stands before line `k`. */
export function hasGarbage(world: Scenario, k: number): boolean {
  return world.garbage > 0 && noise(world.seed, k, 6) < world.garbage;
}

/**
 * The garbage before line `k`, with its line end: what real loggers leave behind. It never parses as a line of the
 * simulator, so that the checker can tell the two apart; how much of it there is it knows from the seed.
 */
export function garbageLine(world: Scenario, k: number): Buffer {
  const kind = Math.floor(noise(world.seed, k, 7) * 4);
  switch (kind) {
    case 0: // the control unit restarted in the middle of a line
      return Buffer.from(`${renderLine(world, k).slice(8, 9 + Math.floor(noise(world.seed, k, 8) * 80))}\n`);
    case 1: // text from somebody else's logger
      return Buffer.from(`[    ${k}.${k % 1000}] can0: bus-off, restarting; ${"=".repeat(k % 60)} speed=???\n`);
    case 2: {
      // bytes: NUL, invalid UTF-8, a carriage return, anything but a line end
      const bytes = Buffer.alloc(20 + (k % 200));
      for (let at = 0; at < bytes.length; at++) bytes[at] = Math.floor(noise(world.seed, k, 9, at) * 256);
      bytes[0] = 0xff;
      bytes[1] = 0;
      return Buffer.concat([bytes.map((byte) => (byte === 0x0a ? 0x0d : byte)), Buffer.from("\n")]);
    }
    default: // one line far longer than any should be
      return Buffer.from(`trace ${"0123456789abcdef".repeat(1_500 + (k % 500))}\n`);
  }
}
