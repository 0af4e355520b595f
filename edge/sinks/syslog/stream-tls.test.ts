/** The end of a connection over TLS, against servers that end it in each way that one may. */
import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { SyslogStream } from "./stream.ts";

const never = new AbortController().signal;

/** A server in a process of its own; `then` is a script that has `tls` and what carries it, `tcp`. `folder` takes its port. */
const server = (folder: string, then: string) => `
  const { readFileSync, writeFileSync } = require("node:fs");
  const file = (name) => ${JSON.stringify(folder)} + "/" + name;
  const certificate = { key: readFileSync(file("key.pem")), cert: readFileSync(file("cert.pem")) };
  const server = require("node:net").createServer({ allowHalfOpen: true }, (tcp) => {
    const carrier = new (require("node:stream").Duplex)({
      read: () => tcp.resume(),
      write: (bytes, _encoding, done) => tcp.write(bytes, done),
    });
    tcp.on("data", (bytes) => carrier.push(bytes) || tcp.pause()).on("error", () => {});
    const tls = new (require("node:tls").TLSSocket)(carrier, { isServer: true, ...certificate });
    tls.on("error", () => {});
    ${then}
  });
  server.listen(0, "127.0.0.1", () => writeFileSync(file("port"), String(server.address().port)));
`;

/** `between` the write and the end. */
async function outcome(
  then: string,
  between?: (stream: SyslogStream) => Promise<unknown>,
): Promise<{ readonly error?: string; readonly tookMs: number }> {
  using dir = tempDir();
  mkdirSync(dir.file("certificates"));
  const { ca, broker } = makeCertificates(dir.file("certificates"));
  writeFileSync(dir.file("cert.pem"), broker.cert);
  writeFileSync(dir.file("key.pem"), broker.key);
  // Node, so that the other side is another implementation than ours.
  await using _server = startChild({ command: ["node", "-e", server(dir.path, then)] });
  const port = await until(
    "the server to listen",
    async () => Number(await Bun.file(dir.file("port")).text()),
    Boolean,
    {
      withinMs: 20_000,
    },
  );
  const waits = { connectTimeoutMs: 10_000, requestTimeoutMs: 10_000 };
  const stream = new SyslogStream({ host: "127.0.0.1", port, tls: { ca }, ...waits });
  await stream.connect(never);
  const sinceMs = performance.now();
  try {
    await stream.write(Buffer.alloc(300_000, 65), never);
    await between?.(stream);
    await stream.end(never);
    return { tookMs: performance.now() - sinceMs };
  } catch (error) {
    return { error: String(error), tookMs: performance.now() - sinceMs };
  } finally {
    stream.close();
  }
}

const atNotice = (act: string) => `tls.resume().on("end", () => ${act});`;

test.each([
  ["ends TLS and TCP at our notice", atNotice("tls.end(() => tcp.end())")],
  ["ends both a while later", atNotice("setTimeout(() => tls.end(() => tcp.end()), 700)")],
  ["destroys TCP at our notice, without one of its own", atNotice("tcp.destroy()")],
])("a server that has read everything and %s is believed, before our end of TCP", async (_how, then) => {
  const { error, tookMs } = await outcome(then);
  expect(error).toBeUndefined();
  expect(tookMs).toBeLessThan(5_000);
});

test.each([
  ["answers our notice", atNotice("tls.end()")],
  ["does not", "tls.resume();"],
])("a server that %s and ends TCP only after we did gets our end, and is believed", async (_how, then) => {
  const { error, tookMs } = await outcome(`${then} tcp.on("end", () => tcp.end());`);
  expect(error).toBeUndefined();
  expect(tookMs).toBeGreaterThan(900);
});

test.each([
  ["destroys the connection before it has read everything", 'tls.once("data", () => tcp.destroy());'],
  ["answers our notice and then resets the connection", atNotice("tls.end(() => tcp.resetAndDestroy())")],
])("a server that %s is not", async (_how, then) => {
  expect((await outcome(then)).error).toContain("ConnectionLost");
});

test("an end that the server made by itself, before ours, is not taken for its word", async () => {
  const { error } = await outcome('tls.resume(); tls.end("so long", () => tcp.end());', (stream) =>
    until("the server's end", () => !stream.isOpen),
  );
  expect(error).toContain("ConnectionLost");
});
