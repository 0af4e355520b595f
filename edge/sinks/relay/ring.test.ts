/** Batches of other agents: by whom they came is said, and an aggregator that had them before does not take them. */
import { expect, test } from "bun:test";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import { testBatch, testLane } from "../../testing/fakes/test-batches.ts";
import definition from "./index.ts";

test("of what others made it says by whom it came; who had it before does not take it, and it stays", async () => {
  const ways: (string | null)[] = [];
  let isRing = true;
  let isBroken = true;
  await using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ headers }) => {
      ways.push(headers.get("tailgate-via"));
      if (isBroken) return new Response("", { status: 502 });
      if (!isRing) return Response.json({ records: 3 });
      return Response.json({ type: "urn:tailgate:EDGE_RELAY_RING", detail: "it came by agg-1" }, { status: 421 });
    },
  });
  const reading = definition.read({ url: `http://127.0.0.1:${server.port}`, timeout: "2s" });
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues));
  const sink = await reading.value.create(fakeContext());
  const reader = new ArrayReader({ ...testLane("driving"), carries: true });
  const delivery = sink.lane(reader);
  const batch = { ...testBatch(reader.lane, { first: 0, count: 3 }), carried: "gw-1/e1/driving.0/0-2 via=agg-9" };
  const { signal } = new AbortController();
  await expect(delivery.deliver(batch, signal)).rejects.toMatchObject({ code: "EDGE_DESTINATION_AWAY" });
  expect(delivery.mayHave?.(batch)).toBe(3);
  isBroken = false;
  await expect(delivery.deliver(batch, signal)).rejects.toMatchObject({ code: "EDGE_RELAY_RING" });
  // Nobody has to wait for this one: it does not have the batch, from no try.
  expect(delivery.mayHave?.(batch)).toBe(0);
  isRing = false;
  expect(await delivery.deliver(batch, signal)).toEqual({ kind: "delivered" });
  const own = { ...testBatch(testLane("driving"), { first: 3, count: 3 }) };
  expect(await sink.lane(new ArrayReader(testLane("driving"))).deliver(own, signal)).toEqual({ kind: "delivered" });
  expect(ways).toEqual(["agg-9,gw-1", "agg-9,gw-1", "agg-9,gw-1", null]);
  await sink.stop();
});
