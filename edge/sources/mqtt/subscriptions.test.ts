import { expect, test } from "bun:test";
import { CommittedWork, FakeIntake } from "../../testing/fakes/intake.ts";
import { Subscriptions } from "./subscriptions.ts";

const signal = new AbortController().signal;

test("what the session may have is stored before the broker hears of it, and forgotten when the broker has said so", async () => {
  const work = new CommittedWork();
  const of = (...wanted: string[]) => new Subscriptions("gw at b:1883", wanted, new FakeIntake(work));
  await of("a", "b").begin(signal);
  // Killed before the broker answered: it may have any of these.
  const next = of("b", "c");
  await next.begin(signal);
  expect(next.stale).toEqual(["a"]);
  expect(of("c").stale).toEqual(["a", "b"]);
  const intake = new FakeIntake(work);
  const last = new Subscriptions("gw at b:1883", ["c"], intake);
  last.settled();
  intake.commit();
  expect([last.stale, of("d").stale]).toEqual([[], ["c"]]);
});

test("another session, at another broker or under another name, has nothing of it", async () => {
  const work = new CommittedWork();
  await new Subscriptions("gw at b:1883", ["a"], new FakeIntake(work)).begin(signal);
  expect(new Subscriptions("gw at c:1883", ["b"], new FakeIntake(work)).stale).toEqual([]);
});
