import { expect, test } from "bun:test";
import { AppError } from "../../../shared/errors/app-error.ts";
import { consumerHint } from "./hints.ts";
import { isGroupRefused, protocolOf } from "./store-protocol.ts";

test("members with another store offer another protocol", () => {
  expect(protocolOf("a")).not.toBe(protocolOf("b"));
});

test("a refusal is recognised inside what kafkajs makes of it, and nothing else is", () => {
  const told = Object.assign(new Error("incompatible"), { type: "INCONSISTENT_GROUP_PROTOCOL" });
  expect(isGroupRefused(new Error("Failed after 0 retries", { cause: told }))).toBe(true);
  expect(isGroupRefused(Object.assign(new Error("x"), { type: "REBALANCE_IN_PROGRESS" }))).toBe(false);
  expect(isGroupRefused(undefined)).toBe(false);
});

test("hints speak of reading: no channel holds anything here, and WRITE is not what is missing", () => {
  for (const code of ["KAFKA_UNREACHABLE", "KAFKA_UNAUTHORIZED", "KAFKA_TOPIC_MISSING", "KAFKA_TLS"] as const) {
    expect(consumerHint(new AppError(code, "list topics"))).not.toMatch(/channel|WRITE|createTopic|Tailgate/);
  }
  const found = new AppError("KAFKA_TLS", "list topics", { hint: "The listener speaks no TLS." });
  expect(consumerHint(found)).toBe("The listener speaks no TLS.");
});
