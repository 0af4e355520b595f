import { expect, test } from "bun:test";
import RequestQueue from "kafkajs/src/network/requestQueue";
import { quietTimers } from "./quiet-timers.ts";

quietTimers();

test("a queue with nothing pending arms no timer", () => {
  const queue: RequestQueue = Object.create(RequestQueue.prototype);
  Object.assign(queue, { pending: [], throttledUntil: -1, throttleCheckTimeoutId: null });
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBeNull();
});

test("a queue with something pending looks again once, later", async () => {
  const queue: RequestQueue = Object.create(RequestQueue.prototype);
  const looked = new Promise<void>((resolve) => {
    Object.assign(queue, {
      pending: [{}],
      throttledUntil: -1,
      throttleCheckTimeoutId: null,
      checkPendingRequests: resolve,
    });
  });
  queue.scheduleCheckPendingRequests();
  const armed = queue.throttleCheckTimeoutId;
  queue.scheduleCheckPendingRequests();
  expect(queue.throttleCheckTimeoutId).toBe(armed);
  await looked;
  expect(queue.throttleCheckTimeoutId).toBeNull();
});
