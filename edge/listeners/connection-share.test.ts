import { expect, test } from "bun:test";
import { ConnectionShare, connectionShareOf } from "./connection-share.ts";

test("all listeners share a quarter of the descriptors", () => {
  expect(connectionShareOf("Max open files            1024                 4096                 files")).toBe(256);
  expect(connectionShareOf("Max open files            20                   20                   files")).toBe(16);
  const share = new ConnectionShare(() => "Max open files 20 20 files");
  expect(Array.from({ length: 17 }, () => share.take())).toEqual([...Array(16).fill(true), false]);
  share.giveBack();
  expect(share.take()).toBe(true);
});
