import { expect, test } from "bun:test";
import type { ProfileCase } from "./profile-case.ts";
import { renderCase, replaceGenerated } from "./render.ts";

const never = () => Promise.reject(new Error("not run here"));
const profileCase: ProfileCase = {
  name: "flow",
  title: "A flow",
  method: "Lines flow.",
  page: "edge",
  runFromSource: never,
  runAsShipped: never,
};
const run = { lines: 1_000_000, seconds: 2, cpuSeconds: 1, commits: 100 };
const from = { command: "bun profile.ts flow", at: "2026-01-02T03:04:05Z", machine: { CPU: "2 × X" } };

test("a case shows parts, functions, objects and calls a commit, with its command and machine", () => {
  const many = Array.from({ length: 20 }, (_, n) => ({ call: `call${n}`, count: 1_000 - n }));
  const calls = [...many, { call: "fsync", count: 150 }];
  const text = renderCase(
    profileCase,
    {
      source: {
        ...run,
        times: [{ name: "crc32c", file: "/t/shared/kafka/record-batch/crc32c.ts", native: false, samples: 3 }],
      },
      split: {
        ...run,
        found: { objects: [{ what: "kernel", share: 0.25 }], threads: [], kernel: [{ what: "copy", share: 0.05 }] },
      },
      calls: { ...run, found: calls },
    },
    from,
  );
  expect(text).toContain("3 samples; under the profiler 1.00 CPU s, 1.00 per million lines");
  expect(text).toContain("| checksum | 100.0 % |");
  expect(text).toContain("| `crc32c` shared/kafka/record-batch/crc32c.ts | 100.0 % |");
  expect(text).toContain("| kernel | 25.0 % |");
  expect(text).toContain("| fsync | 150 | 0.15 | 1.50 |");
  expect(text).not.toContain("call19");
  expect(text).toContain("`bun profile.ts flow` · 2026-01-02 03:04 UTC");
  expect(text).toContain("<sub>CPU: 2 × X</sub>");
});

test("at a pace a cost is a share of a core", () => {
  const paced = { ...run, lines: 3_000 };
  const findings = { source: { ...paced, times: [] }, split: undefined, calls: undefined };
  const text = renderCase(profileCase, findings, from);
  expect(text).toContain("1.00 CPU s, 50.0 % of a core");
  expect(text).not.toContain("strace");
});

test("only what is between a case's markers is replaced", () => {
  const page = "by hand\n<!-- generated: a -->\nold\n<!-- end: a -->\nmore by hand\n";
  expect(replaceGenerated(page, "a", "new")).toBe(
    "by hand\n<!-- generated: a -->\n\nnew\n\n<!-- end: a -->\nmore by hand\n",
  );
  expect(() => replaceGenerated(page, "b", "new")).toThrow("<!-- generated: b -->");
});
