import { expect, test } from "bun:test";
import { silent } from "../shared/telemetry/log.ts";
import { freePort } from "../shared/testing/free-port.ts";
import { until } from "../shared/testing/until.ts";
import { ownDescriptors } from "./descriptors.ts";
import { serve } from "./server.ts";
import { TestApi } from "./testing/api.ts";
import { testRecord } from "./testing/records.ts";

const options = { report: silent, descriptors: ownDescriptors, bodyBytesMax: 0 };

test("a port belongs to one central: the second one is told", async () => {
  await using api = new TestApi();
  const listen = `127.0.0.1:${await freePort()}`;
  const server = serve(api.api, listen, options);
  try {
    expect(() => serve(api.api, listen, options)).toThrow(`listen on ${listen}`);
  } finally {
    await server.stop();
  }
});

test("the answer to HEAD says how long the answer to GET is", async () => {
  await using api = new TestApi();
  const server = serve(api.api, `127.0.0.1:${await freePort()}`, options);
  try {
    for (const path of ["livez", "metrics", "api/v1/openapi.json", "api/v1/nowhere", ""]) {
      const got = await fetch(`${server.url}${path}`);
      const head = await fetch(`${server.url}${path}`, { method: "HEAD" });
      expect(head.status).toBe(got.status);
      expect(head.headers.get("Content-Type")).toBe(got.headers.get("Content-Type"));
      const length = Number(head.headers.get("Content-Length"));
      // Request ids are as long as one another.
      expect([path, length]).toEqual([path, (await got.bytes()).length]);
      expect((await head.bytes()).length).toBe(0);
    }
    expect((await fetch(`${server.url}livez`)).headers.get("Content-Type")).toStartWith("text/plain");
  } finally {
    await server.stop();
  }
});

test("a client that asks for everything and takes nothing holds a part of it, and is cut off when it goes", async () => {
  await using api = new TestApi();
  const value = "x".repeat(100_000);
  const each = 20;
  // 100 MB of answer.
  for (let from = 0; from < 1_000; from += each) {
    await api.put(Array.from({ length: each }, (_, index) => testRecord({ offset: from + index, value })));
  }
  const server = serve(api.api, `127.0.0.1:${await freePort()}`, options);
  const { hostname, port } = new URL(server.url);
  try {
    const beforeBytes = process.memoryUsage.rss();
    const sockets = await Promise.all(
      Array.from({ length: 8 }, () =>
        Bun.connect({
          hostname,
          port: Number(port),
          socket: {
            open: (socket) => {
              socket.write(`GET /api/v1/events?format=ndjson HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
              socket.pause();
            },
            data: (socket) => socket.pause(),
          },
        }),
      ),
    );
    await Bun.sleep(1_500);
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(200_000_000);
    const refused = await fetch(`${server.url}api/v1/events?format=ndjson`);
    expect(refused.status).toBe(429);
    for (const socket of sockets) socket.terminate();
    await until(
      "room again",
      async () => {
        const answer = await fetch(`${server.url}api/v1/events?format=ndjson`, { method: "HEAD" });
        return answer.status;
      },
      (status) => status === 200,
      { withinMs: 10_000 },
    );
    const whole = await fetch(`${server.url}api/v1/events?format=ndjson`);
    expect((await whole.text()).split("\n")).toHaveLength(1_001);
  } finally {
    await server.stop();
  }
}, 60_000);

test("a client of the live feed that takes nothing is let go, and nothing piles up for it", async () => {
  const said: string[] = [];
  await using api = new TestApi({ report: ({ name }) => said.push(name) });
  await api.put([testRecord({ offset: 0 })]);
  const server = serve(api.api, `127.0.0.1:${await freePort()}`, options);
  const { hostname, port } = new URL(server.url);
  try {
    let heard = 0;
    const socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (each) => {
          each.write(`GET /api/v1/events/stream HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`);
        },
        // The first word is heard; from then on nothing is taken.
        data: (each) => {
          heard++;
          each.pause();
        },
      },
    });
    await until(
      "the first word",
      () => heard,
      (count) => count > 0,
    );
    const value = "x".repeat(100_000);
    const beforeBytes = process.memoryUsage.rss();
    let offset = 1;
    await until(
      "the word in the log",
      async () => {
        await api.put(Array.from({ length: 20 }, () => testRecord({ offset: offset++, value })));
        // Longer than a round of the feed: at hundreds of megabytes a second it would say `lost`, and nothing would wait.
        await Bun.sleep(300);
        return said.includes("subscriber_dropped");
      },
      (dropped) => dropped,
      { withinMs: 30_000 },
    );
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(250_000_000);
    socket.terminate();
  } finally {
    await server.stop();
  }
}, 60_000);
