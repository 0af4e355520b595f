/**
 * Tries a parser with one input after the other. An input is made from its number alone, so a finding is repeated by the
 * target's name and that number. What counts as a finding: an error that its callers are not ready for, more CPU than
 * any input is worth, more memory than the bounds of one input allow.
 */
import { messageOf } from "../../shared/errors/app-error.ts";
import { seededRandom } from "../../shared/random/random.ts";
import type { FuzzTarget } from "./target.ts";

/** How long and how hard one target is fuzzed. */
export interface FuzzOptions {
  /** Number of the first input. */
  readonly seed: number;
  readonly forMs: number;
  /** Inputs at most. */
  readonly inputsMax: number;
  /** CPU of this process that one input may take, so that a busy machine is no finding. */
  readonly cpuMsMax?: number;
}

/** What came of it. */
export interface FuzzResult {
  readonly inputs: number;
  readonly slowestCpuMs: number;
  /** Undefined: none. */
  readonly finding: string | undefined;
}

/** What one input may hold at once is bounded (64 MiB decompressed), and garbage waits for its collector. */
const grownBytesMax = 512 * 1024 * 1024;
const lookAtMemoryEvery = 500;

/** Stops at the first finding. */
export async function fuzz(
  target: FuzzTarget,
  { seed, forMs, inputsMax, cpuMsMax = 2_000 }: FuzzOptions,
): Promise<FuzzResult> {
  const until = performance.now() + forMs;
  Bun.gc(true);
  const rssBefore = process.memoryUsage().rss;
  let inputs = 0;
  let slowestCpuMs = 0;
  const found = (what: string): FuzzResult => ({
    inputs,
    slowestCpuMs,
    finding: `${target.name}, input ${seed + inputs}: ${what}`,
  });
  while (inputs < inputsMax && (inputs === 0 || performance.now() < until)) {
    const before = process.cpuUsage();
    try {
      await target.try(seededRandom(seed + inputs));
    } catch (thrown) {
      return found(thrown instanceof Error && thrown.stack !== undefined ? thrown.stack : messageOf(thrown));
    }
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1_000;
    if (cpuMs > cpuMsMax) return found(`${Math.round(cpuMs)} ms of CPU`);
    slowestCpuMs = Math.max(slowestCpuMs, cpuMs);
    inputs++;
    if (inputs % lookAtMemoryEvery !== 0) continue;
    // What a decompressor holds after an error it gives back in the loop's next turn, which no input waits for.
    await Bun.sleep(0);
    const grown = () => process.memoryUsage().rss - rssBefore;
    if (grown() < grownBytesMax) continue;
    Bun.gc(true);
    if (grown() > grownBytesMax) return found(`${Math.round(grown() / 1e6)} MB more memory than before`);
  }
  return { inputs, slowestCpuMs, finding: undefined };
}
