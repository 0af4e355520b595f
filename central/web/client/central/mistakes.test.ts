import { expect, test } from "bun:test";
import { mistakesIn } from "./mistakes.ts";

// That central writes so is seen by page-actions.integration.test.ts.
test("central's own words are read back, field by field", () => {
  const words = "read the parameters: topics.0: not a topic's name: letters, digits; from: write a number";
  expect(mistakesIn(words)).toEqual([
    { field: "topics.0", words: "not a topic's name: letters, digits" },
    { field: "from", words: "write a number" },
  ]);
});

test("other words name no field", () => {
  for (const words of ["", "begin a replay: there is no Kafka", "read the parameters: "]) {
    expect(mistakesIn(words)).toEqual([]);
  }
});
