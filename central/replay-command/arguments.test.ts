import { expect, test } from "bun:test";
import { parseArguments } from "../arguments.ts";

const asking = { url: undefined, keyFile: undefined, ca: undefined };
const parse = (words: string) => parseArguments(["replay", ...words.split(" ").filter((word) => word !== "")]);

test("a start without options is of everything, into the store", () => {
  expect(parse("start")).toEqual({
    verb: "replay start",
    asking,
    watch: false,
    definition: { recordsPerSecondMax: 10_000, into: { kind: "store" } },
  });
});

test("each option has its place in what is asked for", () => {
  const range =
    "--topic drive,charge --partition 0,2 --from 2026-11-20T12:00:00Z --to offset:9 --vehicle car-1 --stream s";
  expect(parse(`start ${range} --into-topic copy --speed 0.5 --rate 7 --watch`)).toMatchObject({
    watch: true,
    definition: {
      topics: ["drive", "charge"],
      partitions: [0, 2],
      from: { timeMs: Date.parse("2026-11-20T12:00:00Z") },
      to: { offset: 9 },
      vehicle: "car-1",
      stream: "s",
      recordsPerSecondMax: 7,
      into: { kind: "topic", topic: "copy", speed: 0.5 },
    },
  });
});

test("whom it asks, and which one it is about", () => {
  expect(parse("list --url http://h:1 --key-file k --ca c")).toEqual({
    verb: "replay list",
    asking: { url: "http://h:1", keyFile: "k", ca: "c" },
  });
  expect(parse("watch 3")).toMatchObject({ verb: "replay watch", id: 3 });
  expect(parse("pause 3")).toMatchObject({ verb: "replay turn", turn: "pause", id: 3 });
  expect(parse("start --topic x --help")).toEqual({ verb: "help" });
});

test.each([
  ["", "is followed by"],
  ["begin", "is followed by"],
  ["pause", "takes the number"],
  ["pause x", "takes the number"],
  ["pause 1 2", "takes the number"],
  ["list 1", "takes no name"],
  ["list --topic a", "--topic belongs to"],
  ["watch 1 --watch", "--watch belongs to"],
  ["start drive", "options only"],
  ["start --speed 2", "goes with --into-topic"],
  ["start --into-topic c --speed fast", "no number"],
  ["start --rate 1e3", "no whole number"],
  ["start --from offset:-1", "no whole number"],
  ["start --from yesterday", "offset:123"],
  ["start --key secret", "--key"],
])("replay %s is refused", (words, why) => {
  expect(() => parse(words)).toThrow(why);
});
