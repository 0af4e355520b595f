import { expect, test } from "bun:test";
import { ArrayStore } from "../testing/fakes/array-store.ts";
import { diskRefusal, FullChannels } from "./full-channels.ts";

function watched() {
  const channel = new ArrayStore().channel("main");
  const said: string[] = [];
  const full = new FullChannels(
    () => [channel],
    ({ name }) => said.push(name),
  );
  return { channel, said, full };
}

test("a channel that becomes full is said once, and once when it has had room for a while", () => {
  const { channel, said, full } = watched();
  full.look(0);
  channel.admissionNow = "blocked";
  for (const ms of [1_000, 2_000, 3_000]) full.look(ms);
  expect(said).toEqual(["channel_full"]);
  channel.admissionNow = "open";
  for (const ms of [4_000, 13_000]) full.look(ms);
  expect(said).toEqual(["channel_full"]);
  full.look(14_000);
  expect(said).toEqual(["channel_full", "channel_has_room"]);
  channel.admissionNow = "dropping";
  full.look(15_000);
  expect(said.at(-1)).toBe("channel_full");
});

test("one that opens and closes with each batch is full all the time", () => {
  const { channel, said, full } = watched();
  for (let ms = 0; ms < 100_000; ms += 2_000) {
    channel.admissionNow = ms % 8_000 === 0 ? "blocked" : "open";
    full.look(ms);
  }
  expect(said).toEqual(["channel_full"]);
});

test("one that waits for disk says so, and that nothing can flow", () => {
  const { channel, said, full } = watched();
  expect(diskRefusal(channel)).toBeUndefined();
  channel.admissionNow = "blocked";
  channel.fullBy = "disk";
  full.look(0);
  expect(said).toEqual(["channel_disk_low"]);
  expect(diskRefusal(channel)).toContain("channel main takes nothing");
  channel.fullBy = "capacity";
  expect(diskRefusal(channel)).toBeUndefined();
});
