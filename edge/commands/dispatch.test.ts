import { expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { parseConfig } from "../config/load-config.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import type { Command } from "./command.ts";
import { dispatch } from "./dispatch.ts";
import { init } from "./init.ts";
import { list } from "./list.ts";

const seen: unknown[] = [];
const verbs: readonly Command[] = [
  {
    name: "run",
    summary: "Runs it",
    positionals: ["[config]"],
    options: { config: { summary: "The config", value: "file", short: "c" }, force: { summary: "Do it" } },
    run(given) {
      seen.push([given.value("config"), given.flag("force"), given.positionals]);
      return 0;
    },
  },
  { name: "channel ls", summary: "Lists", options: {}, run: () => 0 },
  { name: "channel stat", summary: "Figures", positionals: ["<channel>"], options: {}, run: () => 0 },
  {
    name: "fails",
    summary: "Fails",
    options: {},
    run() {
      throw new AppError("INVARIANT", "broken");
    },
  },
  init,
  list,
];

async function call(...args: readonly string[]) {
  let out = "";
  let err = "";
  const code = await dispatch(args, verbs, {
    registry: fakeRegistry,
    environment: {},
    outBytes: async () => {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test("arguments are read by the declaration: short, long, with and without =, and positionals", async () => {
  seen.length = 0;
  await call("run", "-c", "a.yaml", "--force");
  await call("run", "--config=b.yaml", "x.yaml");
  await call("run");
  expect(seen).toEqual([
    ["a.yaml", true, []],
    ["b.yaml", false, ["x.yaml"]],
    [undefined, false, []],
  ]);
});

test.each([
  [["rnu"], 'did you mean "run"?'],
  [["channel"], "says not what to do"],
  [["channel", "stats"], 'did you mean "stat"?'],
  [["run", "--confg", "x"], 'did you mean "--config"?'],
  [["run", "--config"], "--config needs a value: <file>"],
  [["run", "--force=yes"], "--force takes no value"],
  [["run", "a", "b"], '"b" is one argument too many'],
  [["channel", "stat"], "<channel> is missing"],
  [["init", "tail"], "is not <source>/<sink>"],
  [["init", "tial/kafka"], 'did you mean "tail"?'],
])("%j is refused with a word that helps, and exit code 2", async (args, word) => {
  const { code, err } = await call(...args);
  expect(code).toBe(2);
  expect(err).toContain(word);
});

test("help of all verbs and of one comes from the declarations", async () => {
  const all = await call("--help");
  expect(all.code).toBe(0);
  for (const { name, summary } of verbs) expect(all.out).toContain(`${name.padEnd(12)}  ${summary}`);
  const { out } = await call("run", "--help");
  expect(out).toContain("usage: tailgate run [config] [options]");
  expect(out).toContain("-c, --config <file>  The config");
});

test("what is no usage mistake goes on to whoever ends the process", async () => {
  expect(call("fails")).rejects.toThrow("broken");
});

test("the config that init prints is a valid one", async () => {
  const { out } = await call("init", "tail/kafka");
  expect(parseConfig("t.yaml", out, fakeRegistry, {})).toMatchObject({ ok: true });
  expect(out).toContain("# Sends to Kafka.");
});

test("list shows every component, also as JSON", async () => {
  const { out } = await call("list");
  expect(out).toContain("source       tail");
  const parsed: unknown = JSON.parse((await call("list", "--json")).out);
  expect(parsed).toContainEqual({ kind: "sink", type: "null", stability: "stable", summary: "Takes everything." });
});
