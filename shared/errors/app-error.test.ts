import { describe, expect, test } from "bun:test";
import { AppError, messageOf } from "./app-error.ts";
import { codes } from "./codes.ts";
import { invariant } from "./invariant.ts";

describe("an error", () => {
  test("carries its code's severity and hint", () => {
    const error = new AppError("EDGE_CHANNEL_FULL", 'put 5 events into channel "main": disk full');
    expect(error).toMatchObject({ severity: "transient", hint: codes.EDGE_CHANNEL_FULL.hint });
  });

  test("shows its causes behind its own words", () => {
    const cause = new Error("connect 127.0.0.1:9092: refused");
    expect(messageOf(new AppError("KAFKA_UNREACHABLE", "fetch metadata", { cause }))).toBe(
      "fetch metadata: connect 127.0.0.1:9092: refused",
    );
  });

  test("of a broken assumption stops the process", () => {
    expect(() => invariant(false, "batches are in order")).toThrow(
      expect.objectContaining({ code: "INVARIANT", severity: "invariant" }),
    );
  });

  test("has a hint a person can act on, for every code", () => {
    for (const [code, { hint }] of Object.entries(codes)) {
      expect(`${code}: ${hint}`).toMatch(/^[A-Z_0-9]+: \S.{20,}\.$/);
    }
  });
});
