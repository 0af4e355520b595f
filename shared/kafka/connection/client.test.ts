import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import type { Fields, Signal } from "../../telemetry/log.ts";
import { until } from "../../testing/until.ts";
import { createKafka, type KafkaOptions, saslOptions, tlsOptions } from "./client.ts";

/** The answer to ApiVersions (KIP-35), version 2: no error, Metadata 0 to 6, no throttle. */
function apiVersions(correlationId: number): Buffer {
  const body = Buffer.alloc(24);
  body.writeInt32BE(20, 0);
  body.writeInt32BE(correlationId, 4);
  body.writeInt32BE(1, 10);
  body.writeInt16BE(3, 14);
  body.writeInt16BE(6, 18);
  return body;
}

/** Listens as a broker would, and does with each connection what the test says. */
async function brokerLike(greet: (socket: Socket, count: number) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    // Whoever is cut off resets the connection; that is what the test is about.
    socket.on("error", () => socket.destroy());
    greet(socket, sockets.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no address");
  return {
    address: `127.0.0.1:${address.port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(socket: Socket): void {
  socket.on("data", (request) => socket.write(apiVersions(Buffer.from(request).readInt32BE(8))));
}

function clientOf(address: string, changes: Partial<KafkaOptions> = {}) {
  const reports: { readonly signal: Signal; readonly fields: Fields }[] = [];
  const report = (signal: Signal, fields: Fields = {}) => void reports.push({ signal, fields });
  return {
    reports,
    kafka: createKafka({ brokers: [address], clientId: "test", component: "out", report, ...changes }),
  };
}

test("a client connects to nothing before it is asked", async () => {
  await using broker = await brokerLike(answer);
  const { kafka } = clientOf(broker.address);
  const admin = kafka.admin();
  for (let turn = 0; turn < 20; turn++) await Bun.sleep(1);
  expect(broker.sockets).toHaveLength(0);
  await admin.connect();
  expect(broker.sockets).toHaveLength(1);
  await admin.disconnect();
});

test("it outlasts an outage that kafkajs's own retries give up on, quickly, and says so in our log", async () => {
  await using broker = await brokerLike((socket, count) => {
    if (count <= 6) socket.destroy();
    else answer(socket);
  });
  const { kafka, reports } = clientOf(broker.address);
  const admin = kafka.admin();
  const startMs = performance.now();
  await admin.connect();
  expect(broker.sockets).toHaveLength(7);
  // Its own pauses would add up to 9 s.
  expect(performance.now() - startMs).toBeLessThan(6_000);
  await admin.disconnect();
  expect(reports.length).toBeGreaterThan(0);
  for (const { signal, fields } of reports) {
    expect(signal.name).toStartWith("kafka_client_");
    expect(signal.atMostEveryMs).toBeGreaterThan(0);
    expect(fields).toMatchObject({ component: "out", said: expect.any(String) });
  }
}, 20_000);

test("a broker that accepts and never answers is left when the time for a request is over", async () => {
  await using broker = await brokerLike((socket, count) => {
    if (count > 1) answer(socket);
  });
  const { kafka } = clientOf(broker.address, { requestTimeoutMs: 100, connectTimeoutMs: 100 });
  const admin = kafka.admin();
  const connected = admin.connect();
  await until("a second try", () => broker.sockets.length > 1);
  await connected;
  await admin.disconnect();
});

test("TLS checks who the broker is unless told otherwise, and hands over only what was given", () => {
  expect(tlsOptions({})).toEqual({ rejectUnauthorized: true });
  expect(Object.keys(tlsOptions({ ca: undefined, serverName: undefined }))).toEqual(["rejectUnauthorized"]);
  expect(tlsOptions({ verify: false })).toEqual({ rejectUnauthorized: false });
  expect(tlsOptions({ ca: "CA", cert: "CERT", key: "KEY", passphrase: "secret", serverName: "kafka" })).toEqual({
    rejectUnauthorized: true,
    ca: "CA",
    cert: "CERT",
    key: "KEY",
    passphrase: "secret",
    servername: "kafka",
  });
});

test("user and password go to the mechanism that was named", () => {
  const user = { username: "gw", password: "secret" };
  for (const mechanism of ["plain", "scram-sha-256", "scram-sha-512"] as const) {
    expect(saslOptions({ mechanism, ...user })).toEqual({ mechanism, ...user });
  }
});
