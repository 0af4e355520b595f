import { expect, test } from "bun:test";
import { deflateSync } from "node:zlib";
import { AvroReader, AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { AvroClient } from "../../../shared/avro-rpc/client.ts";
import { writeEvent } from "../../../shared/avro-rpc/flume-events.ts";
import { hashOf, protocolText } from "../../../shared/avro-rpc/flume-protocol.ts";
import { readFrame, writeFrame } from "../../../shared/avro-rpc/frames.ts";
import { readHandshakeResponse, writeHandshakeRequest } from "../../../shared/avro-rpc/handshake.ts";
import { ConnectionLost } from "../../../shared/outgoing/peer.ts";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { limits } from "../../core/limits.ts";
import { Client } from "../../listeners/testing/client.ts";
import { pushContract, type SenderHeard, type SentEvent } from "../../testing/contracts/push.contract.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const portOf = (run: RunningSource) => (run.isLoaded ? Number(run.source.status().port) : Number.NaN);
const peer = (run: RunningSource, compression: "none" | "deflate" = "none") => ({
  host: "127.0.0.1",
  port: portOf(run),
  compression,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 20_000,
});

function encoded(events: readonly SentEvent[]): Buffer {
  const writer = new AvroWriter();
  if (events.length > 0) writer.long(events.length);
  for (const { body, headers = {} } of events) {
    writeEvent(writer, new Map(Object.entries(headers)), Buffer.from(body, "latin1"));
  }
  return writer.long(0).written;
}

pushContract(
  "avro",
  {
    definition,
    config: { address: "127.0.0.1:0", keyHeader: "k", timeHeader: "t" },
    twoSenders: { sendersMax: 2 },
    impatient: { answerWithin: "1500ms" },
    send: async (run, events, signal): Promise<SenderHeard> => {
      if (!(portOf(run) > 0)) return "nothing";
      const client = new AvroClient(peer(run));
      signal?.addEventListener("abort", () => client.close());
      try {
        await client.connect(new AbortController().signal);
        return (await client.call("appendBatch", encoded(events))) === 0 ? "stored" : "not taken";
      } catch (thrown) {
        if (thrown instanceof ConnectionLost) return "nothing";
        throw thrown;
      } finally {
        client.close();
      }
    },
    sendGarbage: async (run) => {
      using client = new Client({ port: portOf(run) });
      await client.connected();
      client.send("GET / HTTP/1.1\r\nhost: x\r\n\r\n");
      await until("the end", () => client.isLeft);
      return "nothing";
    },
    sendHalf: async (run) => {
      const client = new Client({ port: portOf(run) });
      await client.connected();
      client.send(Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 1]));
      return () => client[Symbol.dispose]();
    },
  },
  {
    "key, time and headers arrive": "they are headers of Flume's; see below",
    "an event that is too large is refused for ever, and others go on":
      "it is cut, see below: Flume's senders send again without end",
    "of a push with one event too large nothing is taken": "it is cut, see below",
    "over a channel that a crash empties the answer says so": "Flume's answer is OK or FAILED, and says no more",
  },
);

async function started(config: Readonly<Record<string, unknown>> = {}) {
  const dir = tempDir();
  const run = runSource({ definition, config: { address: "127.0.0.1:0", ...config }, dataDir: dir.path });
  await until("the source to listen", () => portOf(run) > 0);
  return {
    run,
    [Symbol.asyncDispose]: async () => {
      await run.crash();
      dir[Symbol.dispose]();
    },
  };
}

test("key and time are taken out of headers, and stay there; an event that is too large is cut and marked", async () => {
  await using world = await started({ keyHeader: "k", timeHeader: "t" });
  const client = new AvroClient(peer(world.run));
  await client.connect(new AbortController().signal);
  const headers = { k: "KA-1", t: "1700000000000", area: "n\u00f6rd" };
  await client.call(
    "appendBatch",
    encoded([
      { body: "a", headers },
      { body: "b", headers: { t: "soon" } },
    ]),
  );
  await client.call("appendBatch", encoded([{ body: "x".repeat(limits.lineBytesMax + 1) }, { body: "c" }]));
  client.close();
  const [a, b, long, c] = world.run.intake.work.events;
  expect(a).toEqual({ body: "a", key: "KA-1", eventTimeMs: 1_700_000_000_000, headers });
  expect(b).toMatchObject({ body: "b", headers: { t: "soon" } });
  expect(long?.body.length).toBe(limits.lineBytesMax);
  expect(long?.headers).toEqual({ cut: String(limits.lineBytesMax) });
  expect(c?.body).toBe("c");
});

test("a request that is larger than what may wait at once is taken all the same", async () => {
  await using world = await started();
  const client = new AvroClient(peer(world.run));
  await client.connect(new AbortController().signal);
  const events = Array.from({ length: 40 }, (_, index) => ({ body: `${index} ${"x".repeat(500_000)}` }));
  expect(await client.call("appendBatch", encoded(events))).toBe(0);
  client.close();
  expect(world.run.intake.work.lines.map((line) => line.split(" ", 1)[0])).toEqual(
    events.map((_, index) => String(index)),
  );
});

test("a client whose protocol is not known says it, and is known from then on", async () => {
  await using world = await started();
  const theirs = JSON.stringify({ ...JSON.parse(protocolText), doc: "another text, the same bytes" });
  using client = new Client({ port: portOf(world.run) });
  const ask = async (clientProtocol: string | undefined) => {
    const writer = new AvroWriter();
    writeHandshakeRequest(writer, { clientHash: hashOf(theirs), clientProtocol, serverHash: hashOf(theirs) });
    writer.long(0).string("append");
    writeEvent(writer, new Map([["a", "b"]]), Buffer.from("one"));
    const before = client.heard.length;
    client.send(writeFrame(7, writer.written));
    const frame = () => readFrame(Buffer.from(client.heard, "latin1").subarray(before), 10_000);
    await until("the answer", () => frame() !== undefined);
    const found = frame();
    expect(found?.serial).toBe(7);
    return readHandshakeResponse(new AvroReader(found?.payload ?? Buffer.alloc(0))).match;
  };
  expect(await ask(undefined)).toBe("none");
  expect(await ask(theirs)).toBe("client");
  expect(world.run.intake.work.lines).toEqual(["one"]);
});

test("another protocol than Flume's is refused", async () => {
  await using world = await started();
  const theirs = protocolText.replace('"body"', '"payload"');
  using client = new Client({ port: portOf(world.run) });
  const writer = new AvroWriter();
  writeHandshakeRequest(writer, { clientHash: hashOf(theirs), clientProtocol: theirs, serverHash: hashOf(theirs) });
  client.send(writeFrame(1, writer.written));
  await until("the end", () => client.isLeft);
  expect(world.run.source.status()).toMatchObject({ refused: { protocol: 1 } });
});

test("requests that overlap are taken in their order, over TLS and compressed", async () => {
  using dir = tempDir();
  const { ca, broker } = makeCertificates(dir.path);
  await using world = await started({ tls: { cert: broker.cert, key: broker.key }, compression: "deflate" });
  const client = new AvroClient({ ...peer(world.run, "deflate"), tls: { ca, serverName: "localhost" } });
  await client.connect(new AbortController().signal);
  const bodies = Array.from({ length: 500 }, (_, index) => `event ${index} ${"x".repeat(100)}`);
  const answers = await Promise.all(bodies.map((body) => client.call("appendBatch", encoded([{ body }]))));
  expect(new Set(answers)).toEqual(new Set([0]));
  expect(world.run.intake.work.lines).toEqual(bodies);
  client.close();
});

test("compressed below TLS, a client is known by its certificate, and what is no TLS ends", async () => {
  using dir = tempDir();
  const { ca, broker, client: own } = makeCertificates(dir.path);
  const tls = { cert: broker.cert, key: broker.key, clientCa: ca };
  await using world = await started({ tls, compression: "deflate" });
  const ask = async (certificate: { readonly cert: string; readonly key: string } | undefined) => {
    const client = new AvroClient({
      ...peer(world.run, "deflate"),
      tls: { ca, serverName: "localhost", ...certificate },
    });
    try {
      await client.connect(new AbortController().signal);
      return await client.call("appendBatch", encoded([{ body: certificate === undefined ? "stranger" : "known" }]));
    } catch (thrown) {
      return thrown instanceof ConnectionLost ? "lost" : thrown;
    } finally {
      client.close();
    }
  };
  expect(await ask(undefined)).toBe("lost");
  expect(await ask({ cert: own.cert, key: own.key })).toBe(0);
  using rude = new Client({ port: portOf(world.run) });
  await rude.connected();
  rude.send(deflateSync("GET / HTTP/1.1"));
  await until("the end", () => rude.isLeft);
  expect(world.run.intake.work.lines).toEqual(["known"]);
  await until("all to be gone", () => Number(world.run.source.status().connections) === 0);
});

test("a request that inflates without end, or is larger than it may be, ends its connection and no other", async () => {
  await using world = await started({ compression: "deflate", requestBytesMax: "64KiB" });
  const large = new AvroClient(peer(world.run, "deflate"));
  await large.connect(new AbortController().signal);
  const answer = large
    .call("appendBatch", encoded([{ body: "0".repeat(50_000_000) }]))
    .catch((thrown: unknown) => thrown);
  expect(await answer).toBeInstanceOf(ConnectionLost);
  const small = new AvroClient(peer(world.run, "deflate"));
  await small.connect(new AbortController().signal);
  expect(await small.call("appendBatch", encoded([{ body: "one" }]))).toBe(0);
  small.close();
});
