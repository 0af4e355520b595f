import { expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { type FaultProxyOptions, startFaultProxy } from "./fault-proxy.ts";
import { FrameSplitter } from "./kafka-frames.ts";

const produce = 0;

/** A request frame of the Kafka protocol with some payload. */
function request(correlationId: number, apiKey = produce, payloadBytes = 100): Buffer {
  const frame = Buffer.alloc(12 + payloadBytes, 0x61);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt16BE(apiKey, 4);
  frame.writeInt16BE(7, 6);
  frame.writeInt32BE(correlationId, 8);
  return frame;
}

/** Answers each complete request with its correlation id; remembers what it got. */
async function startServer() {
  const port = await freePort();
  const got: number[] = [];
  const partial: number[] = [];
  let bytes = 0;
  const server = createServer((socket) => {
    const splitter = new FrameSplitter();
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      for (const frame of splitter.push(chunk)) {
        got.push(frame.readInt32BE(8));
        const answer = Buffer.alloc(40);
        answer.writeInt32BE(36, 0);
        answer.writeInt32BE(frame.readInt32BE(8), 4);
        socket.write(answer);
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      if (splitter.rest.length > 0) partial.push(splitter.rest.length);
    });
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port,
    got,
    partial,
    bytes: () => bytes,
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}

function startClient(port: number) {
  const answers: number[] = [];
  const splitter = new FrameSplitter();
  const state = { connected: false, closed: false, error: "" };
  const socket: Socket = connect(port, "127.0.0.1", () => {
    state.connected = true;
  });
  socket.on("data", (chunk: Buffer) => {
    for (const frame of splitter.push(chunk)) answers.push(frame.readInt32BE(4));
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    state.error = error.code ?? error.message;
  });
  socket.on("close", () => {
    state.closed = true;
  });
  return { socket, answers, state, splitter, [Symbol.dispose]: () => void socket.destroy() };
}

async function startAll(options: Partial<FaultProxyOptions> = {}) {
  const server = await startServer();
  const proxy = await startFaultProxy({ upstreamPort: server.port, seed: 1, ...options });
  const client = startClient(proxy.port);
  return {
    server,
    proxy,
    client,
    [Symbol.asyncDispose]: async () => {
      client[Symbol.dispose]();
      await proxy[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("without faults requests and answers pass in order and are counted", async () => {
  await using world = await startAll();
  const ids = Array.from({ length: 50 }, (_, index) => index);
  for (const id of ids) world.client.socket.write(request(id));
  await until(
    "all answers",
    () => world.client.answers.length,
    (count) => count === 50,
  );
  expect(world.client.answers).toEqual(ids);
  expect(world.proxy.requests(produce)).toBe(50);
});

test("an end on one side reaches the other", async () => {
  await using world = await startAll();
  world.client.socket.write(request(1));
  await until("the answer", () => world.client.answers.length);
  world.client.socket.end();
  await until(
    "the connection to be gone",
    () => world.proxy.open,
    (open) => open === 0,
  );
  expect(world.client.state.error).toBe("");
});

test("a swallowed answer: the server has the request, the client an end instead of the answer", async () => {
  await using world = await startAll();
  const swallowed = world.proxy.swallowNextAnswer(produce);
  world.client.socket.write(request(1, 3));
  world.client.socket.write(request(2));
  await swallowed;
  await until("the client to be cut off", () => world.client.state.closed);
  expect(world.server.got).toEqual([1, 2]);
  expect(world.client.answers).toEqual([1]);
});

test("a cut request: the server gets a part of it and no more", async () => {
  await using world = await startAll();
  const cut = world.proxy.cutNextRequest(produce);
  world.client.socket.write(request(1));
  await cut;
  await until("the client to be cut off", () => world.client.state.closed);
  await until("the part at the server", () => world.server.partial.length);
  expect(world.server.got).toEqual([]);
  expect(world.server.partial[0]).toBeLessThan(112);
});

test("a cut answer: the server has the request, the client gets a part of the answer and no more", async () => {
  await using world = await startAll();
  const cut = world.proxy.cutNextAnswer(produce);
  world.client.socket.write(request(1));
  await cut;
  await until("the client to be cut off", () => world.client.state.closed);
  expect(world.server.got).toEqual([1]);
  expect(world.client.answers).toEqual([]);
  expect(world.client.splitter.rest.length).toBeGreaterThan(0);
});

test("a request that is reset never reaches the server", async () => {
  await using world = await startAll();
  const reset = world.proxy.resetNextRequest(produce);
  world.client.socket.write(request(1));
  await reset;
  await until(
    "the reset",
    () => world.client.state.error,
    (error) => error === "ECONNRESET",
  );
  expect(world.server.bytes()).toBe(0);
});

test("through a black hole nothing passes, no end either; healed, what was held arrives in order", async () => {
  await using world = await startAll();
  world.client.socket.write(request(1));
  await until("the first answer", () => world.client.answers.length);
  world.proxy.blackhole();
  world.client.socket.write(request(2));
  world.client.socket.write(request(3));
  using late = startClient(world.proxy.port);
  await until("a new connection to be accepted", () => late.state.connected);
  await until(
    "the requests to be held",
    () => world.proxy.requests(produce),
    (count) => count === 3,
  );
  expect(world.server.got).toEqual([1]);
  world.proxy.heal();
  await until(
    "the rest",
    () => world.client.answers.length,
    (count) => count === 3,
  );
  expect(world.client.answers).toEqual([1, 2, 3]);
});

test("refused, then accepted again on the same port", async () => {
  await using world = await startAll();
  await until("the connection", () => world.client.state.connected);
  await world.proxy.refuse();
  await until("the reset", () => world.client.state.closed);
  using refused = startClient(world.proxy.port);
  await until(
    "the refusal",
    () => refused.state.error,
    (error) => error === "ECONNREFUSED",
  );
  await world.proxy.accept();
  using again = startClient(world.proxy.port);
  again.socket.write(request(9));
  await until("an answer", () => again.answers.length);
});

test("cleared it is quick, listens and throws away what a black hole held; what was whole stays open", async () => {
  await using world = await startAll();
  world.proxy.setLink({ latencyMs: 10_000 });
  world.client.socket.write(request(1));
  await world.proxy.clear();
  using other = startClient(world.proxy.port);
  other.socket.write(request(2));
  await until("a quick answer", () => other.answers.length);
  expect(other.state.closed).toBe(false);
  world.proxy.blackhole();
  other.socket.write(request(3));
  await world.proxy.clear();
  await until("the black hole's connections to be gone", () => other.state.closed);
  await world.proxy.refuse();
  await world.proxy.clear();
  using again = startClient(world.proxy.port);
  again.socket.write(request(4));
  await until("an answer", () => again.answers.length);
  expect(world.server.got).not.toContain(3);
});

test("a slow line delays, a narrow line limits", async () => {
  await using world = await startAll();
  world.proxy.setLink({ latencyMs: 60 });
  let startMs = performance.now();
  world.client.socket.write(request(1));
  await until(
    "the answer",
    () => world.client.answers.length,
    (count) => count === 1,
    { everyMs: 1 },
  );
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(115);
  world.proxy.setLink({ bytesPerSecond: 1_000_000 });
  startMs = performance.now();
  world.client.socket.write(request(2, produce, 200_000));
  await until(
    "the answer",
    () => world.client.answers.length,
    (count) => count === 2,
    { everyMs: 1 },
  );
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(180);
});

test("chaos from one seed hits the same requests every time", async () => {
  const fates = async (seed: number) => {
    await using server = await startServer();
    await using proxy = await startFaultProxy({ upstreamPort: server.port, seed });
    proxy.setChaos({ apiKey: produce, reset: 0.2, cut: 0.2, swallow: 0.2 });
    const seen: string[] = [];
    for (let id = 0; id < 25; id++) {
      using client = startClient(proxy.port);
      client.socket.write(request(id));
      await until("an answer or an end", () => client.answers.length > 0 || client.state.closed);
      seen.push(client.answers.length > 0 ? "answered" : server.got.includes(id) ? "swallowed" : "lost");
    }
    return { seen, happened: proxy.happened };
  };
  const first = await fates(5);
  expect(await fates(5)).toEqual(first);
  expect((await fates(6)).seen).not.toEqual(first.seen);
  expect(new Set(first.seen)).toEqual(new Set(["answered", "swallowed", "lost"]));
});

test("without frames bytes pass as they come", async () => {
  await using world = await startAll({ frames: false });
  world.client.socket.write(request(1).subarray(0, 20));
  await until(
    "the part",
    () => world.server.bytes(),
    (bytes) => bytes === 20,
  );
});
