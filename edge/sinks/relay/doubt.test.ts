import { afterEach, expect, test } from "bun:test";
import { GroupSink } from "../../groups/group-sink.ts";
import type { GroupMember } from "../../groups/group-tools.ts";
import { centralAt, doubtContract, endOpened, refusedAt, sinkTo } from "../../testing/contracts/doubt.contract.ts";
import { ArrayReader } from "../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import { tryNext } from "../../testing/fakes/deliver-next.ts";
import { testBatches, testLane } from "../../testing/fakes/test-batches.ts";
import relay from "./index.ts";

afterEach(endOpened);

doubtContract("relay", relay);

test("a group that waits where there is doubt goes on when the first member is stopped, and no record is at both", async () => {
  const [near, far] = [centralAt(), centralAt()];
  const members = [
    { name: "near", sink: await sinkTo(relay, near.url) },
    { name: "far", sink: await sinkTo(relay, far.url) },
  ];
  const policy = {
    order: (all: readonly GroupMember[]) => all,
    inDoubt: "wait",
    restMsMax: 1_000,
    batchesPerTurn: 0,
  } as const;
  const group = new GroupSink(fakeContext({ name: "pair", members }), policy);
  const reader = new ArrayReader(testLane("driving"));
  const lane = group.lane(reader);
  reader.put(...testBatches(reader.lane, 3, 3));
  expect(await tryNext(lane, reader)).toBe("delivered");
  await near.stop();
  await refusedAt(members[0]?.sink);
  expect(await tryNext(lane, reader)).toBe("delivered");
  expect([near.bodies.length, far.bodies.length]).toEqual([1, 1]);
  expect(group.status()).toMatchObject({ switches: 1 });
  expect(reader.counters.get("maybe_repeated") ?? 0).toBe(0);
});
