import { expect, test } from "bun:test";
import { z } from "zod";
import { duration, formatDuration, parseDuration } from "./duration.ts";

test.each([
  ["50ms", 50],
  ["1s", 1_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1h30m", 5_400_000],
  ["0.5s", 500],
  ["10 s", 10_000],
  ["0ms", 0],
])("a duration written %p is %p milliseconds", (written, ms) => {
  expect(duration().parse(written)).toBe(ms);
});

test("a bare number is milliseconds", () => {
  expect(duration().parse(250)).toBe(250);
});

test.each(["5sec", "1", "s", "", "-1s", "1s2", "1 hour"])(
  "a duration refuses %p and says how to write one",
  (written) => {
    const result = duration().safeParse(written);
    expect(result.success).toBe(false);
    expect(result.error?.issues[0]?.message).toContain(`"${written}" is not a duration`);
    expect(result.error?.issues[0]?.message).toContain('"500ms"');
  },
);

test("a duration refuses what is neither number nor text", () => {
  expect(duration().safeParse([1]).error?.issues[0]?.message).toStartWith("not a duration");
});

test("bounds are shown in the units of a person", () => {
  const field = duration({ min: 10, max: 60_000 });
  expect(field.safeParse("5ms").error?.issues[0]?.message).toBe('"5ms" is too short: at least 10ms');
  expect(field.safeParse("2h").error?.issues[0]?.message).toBe('"2h" is too long: at most 1m');
  expect(field.safeParse(120_000).error?.issues[0]?.message).toBe("2m is too long: at most 1m");
});

test("a default may be written with its unit", () => {
  expect(z.strictObject({ linger: duration().prefault("1s") }).parse({})).toEqual({ linger: 1_000 });
});

test("the JSON schema of a duration takes text and number and keeps the default", () => {
  const schema = z.toJSONSchema(z.strictObject({ linger: duration().prefault("1s") }), { io: "input" });
  expect(schema.required).toBeUndefined();
  expect(schema.properties?.linger).toMatchObject({
    default: "1s",
    type: ["number", "string"],
  });
});

test("formatting and parsing a duration agree", () => {
  for (const ms of [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000, 86_400_001]) {
    expect(parseDuration(formatDuration(ms))).toBe(ms);
  }
});
