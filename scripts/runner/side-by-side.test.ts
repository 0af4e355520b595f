import { expect, test } from "bun:test";
import { portShareVariable } from "../../shared/testing/free-port.ts";
import { renderKindTimes, sideBySide, type Turn } from "./side-by-side.ts";

function recorder() {
  const now = new Set<string>();
  const seen: string[][] = [];
  const shares: string[] = [];
  const turn = (name: string, alone = false): Turn => ({
    name,
    kind: name.split("-", 1)[0] ?? "",
    alone,
    run: async (env) => {
      now.add(name);
      shares.push(env[portShareVariable] ?? "");
      await Bun.sleep(5);
      seen.push([...now].sort());
      await Bun.sleep(5);
      now.delete(name);
      return { name, passed: 1, failed: 0, seconds: 1, output: "" };
    },
  });
  return { seen, shares, turn };
}

test("what may share the machine runs two at a time, each with ports of its own; what may not, by itself and last", async () => {
  const { seen, shares, turn } = recorder();
  const turns = [turn("e2e-measures", true), turn("unit-1"), turn("unit-2"), turn("e2e-3"), turn("e2e-4")];
  const ended: string[] = [];
  const progress: string[] = [];
  const times = await sideBySide(turns, {
    jobs: 2,
    onResult: ({ name }) => ended.push(name),
    onProgress: (running, done, all) => progress.push(`${done}/${all} ${running.join("+")}`),
  });
  expect(seen.slice(0, 4).every((together) => together.length === 2)).toBe(true);
  expect(seen.at(-1)).toEqual(["e2e-measures"]);
  expect(ended.at(-1)).toBe("e2e-measures");
  expect(new Set(shares.slice(0, 4))).toEqual(new Set(["0/2", "1/2"]));
  expect(progress[1]).toBe("0/5 unit-1+unit-2");
  expect(progress.at(-1)).toBe("4/5 e2e-measures");
  expect(times).toEqual([
    { kind: "unit", files: 2, seconds: 2 },
    { kind: "e2e", files: 3, seconds: 3 },
  ]);
  expect(renderKindTimes(times)).toMatch(/^unit +2 files +2 s\ne2e +3 files +3 s$/);
});

test("one that throws is one failure, and the others still have their turn", async () => {
  const { turn } = recorder();
  const breaks: Turn = { ...turn("a"), run: () => Promise.reject(new Error("broken")) };
  const failed: number[] = [];
  await sideBySide([breaks, turn("b")], { jobs: 1, onResult: (result) => failed.push(result.failed) });
  expect(failed).toEqual([1, 0]);
});
