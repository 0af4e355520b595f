import { expect, test } from "bun:test";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { refusal } from "./refusal.ts";
import { LaneWorld } from "./testing/lane-world.ts";

test.each([
  [errors.COORDINATOR_LOAD_IN_PROGRESS, "KAFKA_NOT_READY", "14 COORDINATOR_LOAD_IN_PROGRESS", "just started"],
  [errors.COORDINATOR_NOT_AVAILABLE, "KAFKA_NOT_READY", "15 COORDINATOR_NOT_AVAILABLE", "just started"],
  [errors.LEADER_NOT_AVAILABLE, "KAFKA_NOT_READY", "5 LEADER_NOT_AVAILABLE", "elect a leader"],
  [errors.NOT_LEADER_OR_FOLLOWER, "KAFKA_NOT_READY", "6 NOT_LEADER_OR_FOLLOWER", "elect a leader"],
  [errors.KAFKA_STORAGE_ERROR, "KAFKA_NOT_READY", "56 KAFKA_STORAGE_ERROR", "disk"],
  [errors.CLUSTER_AUTHORIZATION_FAILED, "KAFKA_UNAUTHORIZED", "31 CLUSTER_AUTHORIZATION_FAILED", "IDEMPOTENT_WRITE"],
  [errors.TOPIC_AUTHORIZATION_FAILED, "KAFKA_UNAUTHORIZED", "29 TOPIC_AUTHORIZATION_FAILED", "Grant WRITE"],
  [errors.UNSUPPORTED_VERSION, "KAFKA_VERSION", "35 UNSUPPORTED_VERSION", "older or newer"],
  [errors.INVALID_TOPIC, "KAFKA_TOPIC_MISSING", "17 INVALID_TOPIC", "no topic of this name"],
])("an answer of %d is no broker that cannot be reached", (code, meaning, name, hint) => {
  const error = refusal("ask in a test", code);
  expect(error.code).toBe(meaning);
  expect(error.message).toBe(`ask in a test: ${name}`);
  expect(error.hint).toContain(hint);
  expect(error.hint).not.toContain("reachable from here");
});

test("a first start while the broker still loads its producers says that, and goes on by itself", async () => {
  const world = new LaneWorld();
  world.broker.producerIdErrors = [errors.COORDINATOR_LOAD_IN_PROGRESS, errors.COORDINATOR_NOT_AVAILABLE];
  world.put(3);
  expect(await world.step()).toBe("KAFKA_NOT_READY");
  expect(await world.step()).toBe("KAFKA_NOT_READY");
  expect(await world.drain()).toBe("idle");
  expect(world.inTopic).toEqual(world.written);
});
