import { expect, test } from "bun:test";
import { selfTimes } from "./cpu-profile.ts";

const frame = (functionName: string, url: string) => ({ functionName, url, scriptId: "1", lineNumber: 1 });

/** root → append → copy (native), root → (anonymous) native; one sample a millisecond from 1,000 s on. */
const profile = JSON.stringify({
  nodes: [
    { id: 1, callFrame: frame("(root)", ""), children: [2, 4] },
    { id: 2, callFrame: frame("append", "file:///tree/edge/engine/intake.ts"), children: [3] },
    { id: 3, callFrame: frame("copy", "") },
    { id: 4, callFrame: frame("", "") },
  ],
  startTime: 1_000_000_000,
  endTime: 1_000_606_000,
  samples: [2, 3, 3, 4, 2],
  timeDeltas: [1000, 1000, 1000, 1000, 600_000],
});

test("self time is counted by samples, so idleness between two of them counts for nothing", () => {
  expect(selfTimes(profile, { fromMs: 0, toMs: Number.POSITIVE_INFINITY })).toEqual([
    { name: "append", file: "/tree/edge/engine/intake.ts", native: false, samples: 2 },
    { name: "copy", file: "/tree/edge/engine/intake.ts", native: true, samples: 2 },
    { name: "(anonymous)", file: "", native: true, samples: 1 },
  ]);
});

test("only samples within the span count", () => {
  expect(selfTimes(profile, { fromMs: 1_000_002, toMs: 1_000_004 })).toEqual([
    { name: "copy", file: "/tree/edge/engine/intake.ts", native: true, samples: 2 },
    { name: "(anonymous)", file: "", native: true, samples: 1 },
  ]);
});

test("what is no profile is refused", () => {
  expect(() => selfTimes('{"nodes":[]}', { fromMs: 0, toMs: 1 })).toThrow();
});
