import { describe, expect, test } from "bun:test";
import { driveLine, PREPARED_FROM_MS, warmLine } from "./lines.ts";
import { linesIn } from "./mapped-lines.ts";
import { RecordLines, Tally } from "./tally.ts";

const time = (n: number) => PREPARED_FROM_MS + n;
const input = (lines: number) =>
  Buffer.from(Array.from({ length: lines }, (_, n) => driveLine(n, time(n))).join(""), "latin1");
const payload = (n: number) => Buffer.from(driveLine(n, time(n)).slice(0, -1));

describe("Tally", () => {
  test("finds nothing wrong when every line is there once", () => {
    const tally = new Tally(linesIn([input(3)]));
    for (const n of [0, 1, 2]) tally.add(time(n) + 5 + n, payload(n));
    const verdict = tally.verdict();
    expect(verdict).toMatchObject({ delivered: 3, lost: 0, repeated: 0, altered: 0, disordered: 0 });
    expect([...verdict.latenciesMs]).toEqual([5, 6, 7]);
    expect([...verdict.appendedMs]).toEqual([time(0) + 5, time(1) + 6, time(2) + 7]);
  });

  test("counts a lost, a repeated and an altered line", () => {
    const tally = new Tally(linesIn([input(3)]));
    tally.add(time(0), payload(0));
    tally.add(time(0), payload(0));
    const wrong = payload(1);
    wrong[100] = 0x3f;
    tally.add(time(1), wrong);
    tally.add(time(1), Buffer.from("not a line at all"));
    expect(tally.verdict()).toMatchObject({ delivered: 1, lost: 2, repeated: 1, altered: 2 });
  });

  test("a number beyond the input is altered, not delivered", () => {
    const tally = new Tally(linesIn([input(2)]));
    tally.add(time(5), payload(5));
    expect(tally.verdict()).toMatchObject({ delivered: 0, lost: 2, altered: 1 });
  });

  test("counts what stands before an earlier line of the same vehicle, and only that", () => {
    const tally = new Tally(linesIn([input(202)]));
    for (const n of [101, 0, 1, 100, 200, 201]) tally.add(time(n), payload(n));
    expect(tally.verdict().disordered).toBe(1);
  });

  test("leaves warm lines out", () => {
    const tally = new Tally(linesIn([input(1)]));
    tally.add(time(0), Buffer.from(warmLine(0, time(0)).slice(0, -1)));
    expect(tally.verdict()).toMatchObject({ delivered: 0, lost: 1, altered: 0 });
  });
});

test("records are found wherever the reader's output is cut into chunks", () => {
  const output = Buffer.from([0, 1, 2].map((n) => `${time(n) + 1} ${driveLine(n, time(n))}`).join(""), "latin1");
  for (const size of [1, 7, 150, 214, 5000]) {
    const tally = new Tally(linesIn([input(3)]));
    const lines = new RecordLines(tally);
    for (let at = 0; at < output.length; at += size) lines.push(output.subarray(at, at + size));
    expect(tally.verdict()).toMatchObject({ delivered: 3, lost: 0, altered: 0 });
  }
});

test("a line that a peer writes as a JSON string is compared as the line; what is none is altered", () => {
  const tally = new Tally(linesIn([input(3)]));
  const lines = new RecordLines(tally, "json string");
  for (const n of [0, 1]) lines.push(Buffer.from(`${time(n)} ${JSON.stringify(payload(n).toString("latin1"))}\n`));
  lines.push(Buffer.from(`${time(2)} "not a line"\n`));
  expect(tally.verdict()).toMatchObject({ delivered: 2, lost: 1, altered: 1 });
});
