import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { systemClock } from "../../../shared/clock/clock.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { WireMeter } from "./wire.ts";

/** A meter before a server that sends back what it gets. */
async function meterBeforeEcho() {
  const brokerPort = await freePort();
  const server = createServer((socket) => socket.pipe(socket)).listen(brokerPort, "127.0.0.1");
  await once(server, "listening");
  const port = await freePort();
  const wire = new WireMeter({ host: "127.0.0.1", port: brokerPort }, systemClock);
  await wire.listen(port);
  return {
    wire,
    port,
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      server.close();
    },
  };
}

test("bytes pass unchanged in both directions and are counted, and so is a Produce request", async () => {
  await using meter = await meterBeforeEcho();
  const { wire, port } = meter;

  const client = connect(port, "127.0.0.1");
  const request = Buffer.from([0, 0, 0, 4, 0, 0, 0xab, 0xcd]);
  client.write(request);
  const [echo] = await once(client, "data");
  expect(Buffer.compare(echo, request)).toBe(0);
  expect(wire.usage()).toEqual({ sentBytes: 8, receivedBytes: 8, produceRequests: 1, requests: 1 });
  expect(wire.firstProduceMs).toBeGreaterThan(0);
  client.destroy();
});

test("cut, it ends connections and takes no new ones; restored, it does", async () => {
  await using meter = await meterBeforeEcho();
  const { wire, port } = meter;
  const before = connect(port, "127.0.0.1");
  before.write("before");
  await once(before, "data");

  wire.cut();
  await once(before, "close");
  const meanwhile = connect(port, "127.0.0.1");
  await once(meanwhile, "close");
  expect(meanwhile.bytesRead).toBe(0);

  wire.restore();
  const after = connect(port, "127.0.0.1");
  after.write("after");
  const [echo] = await once(after, "data");
  expect(String(echo)).toBe("after");
  after.destroy();
});
