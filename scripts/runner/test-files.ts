import { Glob } from "bun";

/** The kinds of tests, by the suffix of their files, in the order in which they are run: what fails early comes first. */
export const testKinds = ["unit", "crash", "sim", "integration", "e2e"] as const;

/** One kind. */
export type TestKind = (typeof testKinds)[number];

const promises = "scripts/replay/";

/** All test files below a folder, by kind; the offline-replay tests are apart. */
export function findTestFiles(root: string): Record<TestKind, string[]> & { promises: string[] } {
  const found = { unit: [], crash: [], sim: [], integration: [], e2e: [], promises: [] } as Record<
    TestKind | "promises",
    string[]
  >;
  for (const top of ["edge", "central", "shared", "scripts"]) {
    for (const path of new Glob(`${top}/**/*.test.ts`).scanSync(root)) {
      if (!path.includes("node_modules/")) found[kindOf(path)].push(path);
    }
  }
  for (const files of Object.values(found)) files.sort();
  return found;
}

function kindOf(path: string): TestKind | "promises" {
  if (path.startsWith(promises) && path.endsWith(".e2e.test.ts")) return "promises";
  return testKinds.find((kind) => path.endsWith(`.${kind}.test.ts`)) ?? "unit";
}
