import { expect, test } from "bun:test";
import { parseArguments } from "./arguments.ts";

test("the command line runs, helps, or installs", () => {
  expect(parseArguments([])).toEqual({ verb: "run", config: undefined });
  expect(parseArguments(["--config", "a.yaml"])).toEqual({ verb: "run", config: "a.yaml" });
  expect(parseArguments(["run", "--config=a.yaml"])).toEqual({ verb: "run", config: "a.yaml" });
  expect(parseArguments(["-h"])).toEqual({ verb: "help" });
  expect(parseArguments(["service", "install", "--print", "--config", "a"])).toMatchObject({
    print: true,
    config: "a",
  });
});

test("rules are checked and tested by file", () => {
  expect(parseArguments(["rules", "check", "a.yaml"])).toEqual({ verb: "rules check", file: "a.yaml" });
  expect(parseArguments(["rules", "test", "a.yaml"])).toEqual({ verb: "rules test", file: "a.yaml" });
});

test.each([
  [["rules"]],
  [["rules", "check"]],
  [["rules", "run", "a"]],
  [["rules", "test", "a", "b"]],
  [["rules", "test", "a", "--print"]],
  [["--config"]],
  [["--cfg", "a"]],
  [["stop"]],
  [["--print"]],
  [["service"]],
])("%j is refused", (words) => {
  expect(() => parseArguments(words)).toThrow("read the command line");
});
