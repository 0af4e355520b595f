import { z } from "zod";

const CallFrame = z.object({ functionName: z.string(), url: z.string() });

/** A `.cpuprofile` as `bun --cpu-prof` writes it (the format of V8's inspector, `Profiler.Profile`). Times in µs. */
const CpuProfile = z.object({
  nodes: z.array(z.object({ id: z.number(), callFrame: CallFrame, children: z.array(z.number()).optional() })),
  /** Since 1970, by the machine's clock. */
  startTime: z.number(),
  samples: z.array(z.number()),
  /** Before each sample; a thread that does nothing is not sampled, so a long one is idleness, not work. */
  timeDeltas: z.array(z.number()),
});

/** What the samples of a while were taken in. */
export interface SelfTime {
  readonly name: string;
  /** Where it is written; for a native function, where the nearest caller that has a file is written; "" for none. */
  readonly file: string;
  readonly native: boolean;
  readonly samples: number;
}

/** A while of a profile, milliseconds since 1970. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Self time by function, the most first. Samples are counted and their distances ignored: only a thread that runs
 * JavaScript (or native code called by it) is sampled, at a steady beat.
 *
 * @throws ZodError when the text is no profile.
 */
export function selfTimes(text: string, { fromMs, toMs }: Span): readonly SelfTime[] {
  const { nodes, samples, timeDeltas, startTime } = CpuProfile.parse(JSON.parse(text));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const times = new Map<string, SelfTime>();
  let atMs = startTime / 1000;
  for (const [index, id] of samples.entries()) {
    atMs += (timeDeltas[index] ?? 0) / 1000;
    if (atMs < fromMs || atMs > toMs) continue;
    const frame = byId.get(id)?.callFrame;
    const native = frame?.url === "";
    const name = frame?.functionName || "(anonymous)";
    const file = fileOf(id);
    const key = `${name}\n${file}\n${native}`;
    times.set(key, { name, file, native, samples: (times.get(key)?.samples ?? 0) + 1 });
  }
  return [...times.values()].sort((a, b) => b.samples - a.samples);

  function fileOf(id: number): string {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const url = byId.get(at)?.callFrame.url;
      if (url) return url.replace(/^file:\/\//, "");
    }
    return "";
  }
}
