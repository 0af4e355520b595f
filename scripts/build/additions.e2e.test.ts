/**
 * What it takes to add to the centre and to the offline replay, counted on a copy of the project: the new files, and how
 * many that were there are edited. (components.e2e.test.ts does the same for the edge's components: none.)
 */
import { expect, test } from "bun:test";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { ScratchTree } from "./testing/scratch-tree.ts";

const generated = ["central/REFERENCE.md", "central/openapi.json"];

const look = `import { findTestFiles } from "./scripts/runner/test-files.ts";
import { storeKindOf } from "./central/store/kinds.ts";
import { TestApi } from "./central/testing/api.ts";

await using api = new TestApi();
await api.store.probe();
const answer = await api.request("/api/v1/example");
const metrics = await (await api.request("/metrics")).text();
console.log(
  JSON.stringify({
    store: storeKindOf("example://a").scheme,
    route: [answer.status, await answer.json()],
    metric: /^tailgate_central_example .*$/m.exec(metrics)?.[0],
    promise: findTestFiles(".").promises.filter((path) => path.includes("example")),
  }),
);
`;

test("a store, a route and a metric are one edited file each, and a fault in the offline replay is none", async () => {
  using dir = tempDir();
  const tree = new ScratchTree(dir);
  const edited = (before: readonly string[]) =>
    tree.changedFiles().filter((path) => ![...before, ...generated].includes(path));

  tree.addExample("central/testing/example-store", "central/store/example");
  const kind = 'import type { StoreKind } from "./kind.ts";';
  tree.edit("central/store/kinds.ts", [
    [kind, `import { example } from "./example/kind.ts";\n${kind}`],
    ["[sqlite, ", "[sqlite, example, "],
  ]);
  expect(edited([])).toEqual(["central/store/kinds.ts"]);

  tree.addExample("central/testing/example-route", "central/api/example");
  const gaps = 'import { gaps } from "./api/gaps/routes.ts";';
  const mounted = '.route("/", gaps(dependencies))';
  tree.edit("central/app.ts", [
    [gaps, `import { example } from "./api/example/routes.ts";\n${gaps}`],
    [mounted, `${mounted}\n    .route("/", example(dependencies))`],
  ]);
  expect(edited(["central/store/kinds.ts"])).toEqual(["central/app.ts"]);

  const gapsMetric = '  {\n    name: "gaps",\n';
  const metric = '  { name: "example", help: "An example.", read: () => 7 },';
  tree.edit("central/metrics.ts", [[gapsMetric, `${metric}\n${gapsMetric}`]]);
  expect(edited(["central/store/kinds.ts", "central/app.ts"])).toEqual(["central/metrics.ts"]);

  const before = tree.changedFiles();
  tree.add("scripts/replay/example-fault-loses-nothing.e2e.test.ts", 'import "bun:test";\n');
  expect(tree.changedFiles()).toEqual(before);

  // All of it is there, and the pages that are generated say so.
  await tree.run([process.execPath, "scripts/check/generate.ts"]);
  tree.add("look.ts", look);
  expect(JSON.parse(await tree.run([process.execPath, "look.ts"]))).toEqual({
    store: "example",
    route: [200, { events: 0 }],
    metric: "tailgate_central_example 7",
    promise: ["scripts/replay/example-fault-loses-nothing.e2e.test.ts"],
  });
  expect(await Bun.file(dir.file("central/REFERENCE.md")).text()).toContain("| `tailgate_central_example` | gauge |");
  expect(await Bun.file(dir.file("central/openapi.json")).text()).toContain('"/api/v1/example"');
  expect(tree.changedFiles().toSorted()).toEqual(
    [...generated, "central/app.ts", "central/metrics.ts", "central/store/kinds.ts"].toSorted(),
  );
}, 120_000);
