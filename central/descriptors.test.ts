import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { freePort } from "../shared/testing/free-port.ts";
import { until } from "../shared/testing/until.ts";
import { areScarce, ownDescriptors, reserveOf } from "./descriptors.ts";
import { serve } from "./server.ts";
import { TestApi } from "./testing/api.ts";

test("descriptors are scarce when less than the reserve is left, or none to count them with", () => {
  expect(reserveOf(1_024)).toBe(256);
  expect(reserveOf(256)).toBe(64);
  expect(reserveOf(1_000_000)).toBe(256);
  const scarce = (limit: number | undefined, used: number | undefined) => areScarce({ limit, used: () => used });
  expect(scarce(1_024, 768)).toBe(false);
  expect(scarce(1_024, 769)).toBe(true);
  expect(scarce(1_024, undefined)).toBe(true);
  expect(scarce(undefined, 5_000)).toBe(false);
  expect(ownDescriptors.limit).toBeGreaterThan(0);
  expect(ownDescriptors.used()).toBeGreaterThan(0);
});

test("when they are scarce all connections are given up, and the next ones are answered", async () => {
  await using api = new TestApi();
  const before = ownDescriptors.used() ?? 0;
  const said: string[] = [];
  // Each connection counts twice here: both of its ends are ours.
  const descriptors = { limit: before + 160, used: ownDescriptors.used };
  const report = ({ name }: { name: string }) => said.push(name);
  const server = serve(api.api, `127.0.0.1:${await freePort()}`, { report, descriptors, bodyBytesMax: 0 });
  const sockets: Socket[] = [];
  let ended = 0;
  try {
    for (let count = 0; count < 100; count++) {
      const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
      socket.on("close", () => ended++);
      socket.on("error", () => {});
      sockets.push(socket);
    }
    await until(
      "the idle ones to be given up",
      async () => ended,
      (count) => count >= 100,
    );
    expect(said).toContain("connections_dropped");
    expect((await fetch(`${server.url}livez`)).status).toBe(200);
  } finally {
    for (const socket of sockets) socket.destroy();
    await server.stop();
  }
});
