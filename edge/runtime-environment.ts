/**
 * What the runtime is told by environment; it cannot be told from inside. The JavaScript heap is sized by the machine's
 * memory: told that there are 128 MiB, it collects earlier: it peaks some 20 to 40 MB lower for about 8 % more CPU at full speed.
 * Then it still lets 32 MiB of garbage gather before it looks at any; 12 cost nothing measurable. And while it is small it
 * lets as much garbage gather as it holds, batches included; a quarter as much costs 0.1 s of CPU a million lines, and what it
 * peaks at when it reads and sends at full speed is 10 MB less. A process larger than a quarter of the 128 MiB would be given another
 * factor, of 1.5: a start that came over it for a moment peaked some 15 MB higher than one that did not (decision 0023).
 */
export const runtimeEnvironment = {
  BUN_JSC_forceRAMSize: "134217728",
  BUN_JSC_largeHeapSize: "12582912",
  BUN_JSC_smallHeapGrowthFactor: "1.25",
  BUN_JSC_mediumHeapGrowthFactor: "1.25",
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** This environment with the runtime's settings; what was set by somebody stands. Undefined: nothing is missing. */
export function withRuntimeSettings(environment: Environment): Environment | undefined {
  const missing = Object.keys(runtimeEnvironment).some((name) => environment[name] === undefined);
  return missing ? { ...runtimeEnvironment, ...environment } : undefined;
}

/**
 * The first of some words that names a descriptor which a second start would not have any more, as `<(…)` of a shell does:
 * the runtime closes all but the three standard ones when it executes something.
 */
export function inheritedDescriptor(words: Iterable<string | undefined>): string | undefined {
  for (const word of words) {
    const path = /\/(?:dev|proc\/(?:self|thread-self|\d+))\/fd\/0*(\d+)$/.exec(word ?? "");
    if (path !== null && Number(path[1]) > 2) return path[0];
  }
  return undefined;
}
