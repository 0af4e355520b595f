import { describe, expect, test } from "bun:test";
import { Escapes, escapeMistake, harmless, isTimeZone } from "./escapes.ts";

const timeMs = Date.UTC(2026, 2, 29, 0, 47, 58, 123);
const at = (pattern: string, options: ConstructorParameters<typeof Escapes>[1] = {}) =>
  new Escapes(pattern, options).render({ timeMs, headers: [{ name: "car", value: Buffer.from("KA/1") }] });

describe("times", () => {
  test.each([
    ["%a %A %b %B", "Sun Sunday Mar March"],
    ["%c", "Sun Mar 29 00:47:58 2026"],
    ["%d|%e|%D", "29|29|03/29/26"],
    ["%H|%I|%k|%p", "00|12|0|AM"],
    ["%j", "088"],
    ["%m|%n|%M|%S", "03|3|47|58"],
    ["%s|%t", "1774745278|1774745278123"],
    ["%y|%Y|%z", "26|2026|+0000"],
    ["100%%", "100%"],
  ])("%s is %s", (pattern, expected) => expect(at(pattern)).toBe(expected));

  test.each([
    ["Asia/Kolkata", "2026-03-29 06:17 +0530"],
    ["Europe/Berlin", "2026-03-29 01:47 +0100"],
    ["America/St_Johns", "2026-03-28 22:17 -0230"],
    ["UTC", "2026-03-29 00:47 +0000"],
  ])("in %s it is %s", (timeZone, expected) => expect(at("%Y-%m-%d %H:%M %z", { timeZone })).toBe(expected));

  test("summer time begins between two events", () => {
    const escapes = new Escapes("%H:%M %z", { timeZone: "Europe/Berlin" });
    const shown = [0, 3_600_000].map((ms) => escapes.render({ timeMs: timeMs + ms, headers: [] }));
    expect(shown).toEqual(["01:47 +0100", "03:47 +0200"]);
  });

  test.each([
    [{ value: 10, unit: "minute" }, "00:40:00"],
    [{ value: 7, unit: "minute" }, "00:42:00"],
    [{ value: 30, unit: "second" }, "00:47:30"],
    [{ value: 6, unit: "hour" }, "00:00:00"],
  ] as const)("rounded down to %p it is %s", (round, expected) => expect(at("%H:%M:%S", { round })).toBe(expected));

  test("rounding is by the local clock", () => {
    expect(at("%H:%M", { timeZone: "Asia/Kolkata", round: { value: 1, unit: "hour" } })).toBe("06:00");
  });

  test("a time that no date can hold has a name all the same", () => {
    expect(new Escapes("%Y").render({ timeMs: 9e15, headers: [] })).toBe("1970");
  });
});

describe("headers", () => {
  test("stand in the name, and lead nowhere else", () => {
    expect(at("%{car}/x")).toBe("KA_1/x");
    expect(harmless("../../etc/passwd")).toBe("__.._etc_passwd");
    expect(harmless("..")).toBe("_");
    expect(harmless("a\u0000b c")).toBe("a_b_c");
  });

  test("a header that is not there, and names that are none", () => {
    expect(at("%{gone}")).toBe("unknown");
    expect(at("%{gone}", { missing: "none" })).toBe("none");
    expect(at("%{stream}", { names: { stream: "driving" } })).toBe("driving");
  });
});

test("what is no escape is said", () => {
  expect(escapeMistake("%Y/%q")).toContain('"%q" is no escape');
  expect(escapeMistake("%")).toContain("is no escape");
  expect(escapeMistake("%{}")).toContain("is no escape");
  expect(escapeMistake("a/%Y-%m-%d/%{car}")).toBeUndefined();
  expect(new Escapes("plain").isFixed).toBe(true);
});

test("zones that the system does not know are found", () => {
  expect(isTimeZone("Asia/Kolkata")).toBe(true);
  expect(isTimeZone("Mars/Base")).toBe(false);
});
