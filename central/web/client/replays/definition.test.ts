import { expect, test } from "bun:test";
import { definitionWords, freshTexts, mistakesOf, readTexts } from "./definition.ts";

test("an untouched form asks for everything, into the store", () => {
  expect(readTexts(freshTexts)).toEqual({ asked: { into: { kind: "store" } } });
});

test("each field has its place in what is asked for", () => {
  const texts = {
    ...freshTexts,
    topics: "drive, charge",
    partitions: "0 2,3",
    fromKind: "offset",
    from: " 7 ",
    toKind: "time",
    to: "2026-11-20T12:00:00Z",
    vehicle: "car 1",
    stream: "drive",
    target: "topic",
    topic: "copy",
    speed: "0.5",
    rate: "100",
  };
  expect(readTexts(texts)).toEqual({
    asked: {
      topics: ["drive", "charge"],
      partitions: [0, 2, 3],
      from: { offset: 7 },
      to: { timeMs: Date.parse("2026-11-20T12:00:00Z") },
      vehicle: "car 1",
      stream: "drive",
      recordsPerSecondMax: 100,
      into: { kind: "topic", topic: "copy", speed: 0.5 },
    },
  });
});

test("what is no number and no time is said at its field", () => {
  const wrong = {
    ...freshTexts,
    partitions: "one",
    fromKind: "offset",
    from: "-1",
    toKind: "time",
    to: "",
    rate: "1e3",
  };
  const read = readTexts({ ...wrong, target: "topic", speed: "fast" });
  if (!("mistakes" in read)) throw new Error("it was taken");
  expect(Object.keys(read.mistakes).sort()).toEqual(["from", "partitions", "rate", "speed", "to", "topic"]);
});

test("a text in a field that is not chosen is no mistake", () => {
  expect(readTexts({ ...freshTexts, from: "nonsense", topic: "left over" })).toEqual({
    asked: { into: { kind: "store" } },
  });
});

test("what central refuses stands beside its field; what is of none, under the form", () => {
  const mistakes = [
    { field: "topics.0", words: "no name" },
    { field: "into.speed", words: "too fast" },
  ];
  expect(mistakesOf("all", { code: "CENTRAL_BAD_REQUEST", mistakes })).toEqual({
    topics: "no name",
    speed: "too fast",
  });
  expect(mistakesOf("it reads it", { code: "CENTRAL_REPLAY_TARGET", mistakes: [] })).toEqual({ topic: "it reads it" });
  expect(mistakesOf("no Kafka", undefined)).toEqual({ "": "no Kafka" });
});

test("a job says what it reads and where it writes", () => {
  const definition = { topics: ["drive"], from: { offset: 3 }, vehicle: "car-1", recordsPerSecondMax: 10_000 };
  expect(definitionWords({ ...definition, into: { kind: "topic", topic: "copy", speed: 10 } })).toBe(
    "drive · from offset 3 · vehicle car-1 · into the topic copy · 10 times as fast as it came · at most 10,000 records/s",
  );
  expect(definitionWords({ recordsPerSecondMax: 5, into: { kind: "store" } })).toBe(
    "All topics of the store · into the store · at most 5 records/s",
  );
});
