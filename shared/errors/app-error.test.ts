import { describe, expect, test } from "bun:test";
import { AppError, hasCode, messageOf } from "./app-error.ts";
import { codes } from "./codes.ts";
import { defineCodes } from "./error-code.ts";
import { invariant } from "./invariant.ts";

describe("an error", () => {
  test("carries its code's severity and hint", () => {
    const error = new AppError("EDGE_CHANNEL_FULL", 'put 5 events into channel "main": disk full');
    expect(error).toMatchObject({ severity: "transient", hint: codes.EDGE_CHANNEL_FULL.hint });
  });

  test("shows its causes after its own words", () => {
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

  test("of a component's own code carries what was declared, and is known by it", () => {
    const own = defineCodes({
      EDGE_LAKE_LEASE: { severity: "transient", hint: "Wait until the other writer is gone." },
    });
    const error = new AppError(own.EDGE_LAKE_LEASE, "append to /lake/a");
    expect(error).toMatchObject({ code: "EDGE_LAKE_LEASE", severity: "transient", declared: own.EDGE_LAKE_LEASE });
    expect(hasCode(error, own.EDGE_LAKE_LEASE)).toBe(true);
    expect(hasCode(error, "USAGE", "INVARIANT")).toBe(false);
    expect(hasCode(new Error("other"), own.EDGE_LAKE_LEASE)).toBe(false);
  });
});
