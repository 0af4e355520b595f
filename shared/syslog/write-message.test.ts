import { expect, test } from "bun:test";
import { facilities, type SyslogHead, severities, write3164, write5424 } from "./write-message.ts";

const head: SyslogHead = {
  facility: facilities.indexOf("local0"),
  severity: severities.indexOf("warning"),
  timeMs: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
  host: "car-1",
  app: "tailgate",
};

const text = (bytes: Buffer) => bytes.toString("latin1");

test("RFC 5424: the priority is eight times the facility and the severity; nothing is said as -", () => {
  expect(text(write5424(head, [], Buffer.from("a line")))).toBe(
    "<132>1 2026-01-02T03:04:05.006Z car-1 tailgate - - - a line",
  );
  expect(text(write5424({ ...head, host: "", app: "" }, [], Buffer.alloc(0)))).toBe(
    "<132>1 2026-01-02T03:04:05.006Z - - - - -",
  );
  expect(text(write5424({ ...head, facility: 23, severity: 7 }, [], Buffer.alloc(0)))).toStartWith("<191>1 ");
});

test("RFC 5424: values are escaped, names and the head hold nothing that would end them", () => {
  const elements = [{ id: "tailgate@32473", parameters: [['k="', 'say "x" [y] \\'] as const] }];
  expect(text(write5424({ ...head, host: "two words\n", app: "x".repeat(60) }, elements, Buffer.from("b")))).toBe(
    `<132>1 2026-01-02T03:04:05.006Z two_words_ ${"x".repeat(48)} - - [tailgate@32473 k__="say \\"x\\" [y\\] \\\\"] b`,
  );
});

test("a time that no date of four digits can hold is unknown, and a body's bytes stay as they are", () => {
  const body = Buffer.from([0xff, 0, 0x0a, 0xfe]);
  for (const timeMs of [Number.MAX_SAFE_INTEGER, Number.NaN, 253_402_300_800_000]) {
    const written = write5424({ ...head, timeMs }, [], body);
    expect(text(written)).toStartWith("<132>1 - car-1 ");
    expect(written.subarray(-4)).toEqual(body);
  }
  expect(text(write5424({ ...head, timeMs: 253_402_300_799_999 }, [], body))).toContain(" 9999-12-31T23:59:59.999Z ");
});

test("RFC 3164: a day of one digit has a space before it, and a tag holds no space and no colon", () => {
  expect(text(write3164(head, "utc", Buffer.from("a line")))).toBe("<132>Jan  2 03:04:05 car-1 tailgate: a line");
  expect(text(write3164({ ...head, app: "my app: x", host: "" }, "utc", Buffer.from("b")))).toBe(
    "<132>Jan  2 03:04:05 - my_app__x: b",
  );
  expect(text(write3164({ ...head, app: "" }, "utc", Buffer.alloc(0)))).toEndWith(" car-1 -: ");
});
