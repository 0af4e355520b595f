import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { SyslogStream } from "./stream.ts";

/**
 * A server in a process of its own: reads one byte, ends, and says so with a file. What comes then finds nobody, though our side hears of
 * an end in order first.
 */
const hasty = (port: string, ended: string) => `
  const server = require("node:net").createServer((socket) => {
    socket.once("data", () => socket.destroy());
    socket.once("close", () => require("node:fs").writeFileSync(${JSON.stringify(ended)}, ""));
  });
  server.listen(0, "127.0.0.1", () => require("node:fs").writeFileSync(${JSON.stringify(port)}, String(server.address().port)));
`;

const never = new AbortController().signal;

async function connected(port: number): Promise<SyslogStream> {
  const stream = new SyslogStream({ host: "127.0.0.1", port, connectTimeoutMs: 10_000, requestTimeoutMs: 10_000 });
  await stream.connect(never);
  return stream;
}

test("an end of the server's that it made before our bytes came is not taken for its word", async () => {
  using dir = tempDir();
  const [port, ended] = [dir.file("port"), dir.file("ended")];
  await using _server = startChild({ command: [process.execPath, "-e", hasty(port, ended)] });
  const listening = await until("the server to listen", async () => Number(await Bun.file(port).text()), Boolean, {
    withinMs: 20_000,
  });
  const stream = await connected(listening);
  await stream.write(Buffer.from("x"), never);
  // No turn of the event loop lies between: the server's end is there, and not heard yet.
  for (let look = 0; look < 4_000 && !existsSync(ended); look++) Bun.sleepSync(5);
  expect(existsSync(ended)).toBe(true);
  const writing = stream.write(Buffer.from("lost"), never).catch((error: unknown) => error);
  const ending = stream.end(never).catch((error: unknown) => error);
  expect(String(await ending)).toMatch(/before it had read everything|ECONNRESET|EPIPE|ended/);
  await writing;
  stream.close();
}, 60_000);

test("an end after everything was read is, and a reset is not", async () => {
  for (const reads of [true, false]) {
    using server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: true,
      socket: { data: () => undefined, end: (socket) => void (reads ? socket.end() : socket.terminate()) },
    });
    const stream = await connected(server.port);
    await stream.write(Buffer.alloc(1_000_000, 65), never);
    const outcome = await stream.end(never).catch((error: unknown) => String(error));
    expect([reads, outcome]).toEqual([reads, reads ? undefined : expect.stringContaining("ConnectionLost")]);
    stream.close();
  }
});

test("a server that never ends its side is given up, and so is one while we stop", async () => {
  using server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    allowHalfOpen: true,
    socket: { data: () => undefined, end: () => undefined },
  });
  const peer = { host: "127.0.0.1", port: server.port, connectTimeoutMs: 10_000 };
  const late = new SyslogStream({ ...peer, requestTimeoutMs: 100 });
  await late.connect(never);
  expect(String(await late.end(never).catch((error: unknown) => error))).toContain("not taken within 100 ms");
  const stopped = new SyslogStream({ ...peer, requestTimeoutMs: 60_000 });
  await stopped.connect(never);
  const stopping = new AbortController();
  const ending = stopped.end(stopping.signal).catch((error: unknown) => error);
  stopping.abort();
  expect(String(await ending)).toContain("stopped before it was taken");
});
