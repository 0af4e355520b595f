import { expect, test } from "bun:test";
import { createServer } from "node:net";
import { logLevel } from "kafkajs";
import ConnectionPool from "kafkajs/src/network/connectionPool";
import socketFactory from "kafkajs/src/network/socketFactory";
import { freePort } from "../../testing/free-port.ts";
import { createKafka } from "./client.ts";

/** The first connection of a client's pool, with the patches that every client has. */
function connectionTo(port: number) {
  const kafka = createKafka({
    brokers: [`127.0.0.1:${port}`],
    clientId: "test",
    report: () => {},
    component: "test",
    level: logLevel.NOTHING,
  });
  const { pool } = new ConnectionPool({
    host: "127.0.0.1",
    port,
    logger: kafka.logger(),
    socketFactory: socketFactory(),
    clientId: "test",
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    enforceRequestTimeout: false,
    ssl: null,
    sasl: null,
  });
  const [connection] = pool;
  if (connection === undefined) throw new Error("the pool is empty");
  return connection;
}

test("a connection that was refused, disconnected again and again, piles up no listeners", async () => {
  const connection = connectionTo(await freePort());
  await expect(connection.connect()).rejects.toThrow();
  for (let times = 0; times < 12; times++) await connection.disconnect();
  expect(connection.socket?.listenerCount("connect")).toBeLessThan(4);
  expect(connection.isConnected()).toBe(false);
});

test("a connection that waits for its last answer, disconnected again and again, waits once, and can connect again", async () => {
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const connection = connectionTo(typeof address === "object" && address !== null ? address.port : 0);
  try {
    await connection.connect();
    const unanswered = Promise.withResolvers<unknown>();
    unanswered.promise.catch(() => {});
    const names = { apiKey: 18, apiName: "Silent", apiVersion: 0, correlationId: 1 };
    connection.requestQueue.push({
      entry: { ...names, resolve: unanswered.resolve, reject: unanswered.reject },
      expectResponse: true,
      requestTimeout: null,
      sendRequest: () => {},
    });
    const ended = Array.from({ length: 12 }, () => connection.disconnect());
    expect(connection.requestQueue.listenerCount("requestQueueEmpty")).toBe(1);
    connection.rejectRequests(new Error("over"));
    expect(await Promise.all(ended)).toEqual(Array(12).fill(true));
    expect(connection.isConnected()).toBe(false);
    await connection.connect();
    expect(connection.isConnected()).toBe(true);
    await connection.disconnect();
    expect(connection.isConnected()).toBe(false);
  } finally {
    server.close();
  }
});
