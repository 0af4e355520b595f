import { expect, test } from "bun:test";
import type { OutgoingEvent } from "../../../shared/flume-rpc/event.ts";
import { ConnectionLost } from "../../../shared/outgoing/peer.ts";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { ThriftClient } from "../../../shared/thrift-rpc/client.ts";
import type { ThriftProtocol } from "../../../shared/thrift-rpc/protocol.ts";
import { limits } from "../../core/limits.ts";
import { Client } from "../../listeners/testing/client.ts";
import { pushContract, type SenderHeard, type SentEvent } from "../../testing/contracts/push.contract.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const portOf = (run: RunningSource) => (run.isLoaded ? Number(run.source.status().port) : Number.NaN);
const peer = (run: RunningSource, protocol: ThriftProtocol = "compact") => ({
  host: "127.0.0.1",
  port: portOf(run),
  protocol,
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 20_000,
});
const outgoing = (events: readonly SentEvent[]): readonly OutgoingEvent[] =>
  events.map(({ body, headers = {} }) => ({
    body: Buffer.from(body, "latin1"),
    headers: new Map(Object.entries(headers)),
  }));
const never = new AbortController().signal;

pushContract(
  "thrift",
  {
    definition,
    config: { address: "127.0.0.1:0", keyHeader: "k", timeHeader: "t" },
    twoSenders: { sendersMax: 2 },
    impatient: { answerWithin: "1500ms" },
    send: async (run, events, signal): Promise<SenderHeard> => {
      if (!(portOf(run) > 0)) return "nothing";
      const client = new ThriftClient(peer(run));
      signal?.addEventListener("abort", () => client.close());
      try {
        await client.connect(new AbortController().signal);
        return (await client.appendBatch(outgoing(events))) === 0 ? "stored" : "not taken";
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
      client.send(Buffer.from([0, 0, 1, 0, 0x82, 0x21, 1]));
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

test.each(["compact", "binary"] as const)(
  "%s, over TLS: key and time are headers, and what is too large is cut",
  async (protocol) => {
    using dir = tempDir();
    const { ca, broker } = makeCertificates(dir.path);
    const tls = { cert: broker.cert, key: broker.key };
    await using world = await started({ keyHeader: "k", timeHeader: "t", tls });
    const client = new ThriftClient({ ...peer(world.run, protocol), tls: { ca, serverName: "localhost" } });
    await client.connect(never);
    const headers = { k: "KA-1", t: "1700000000000", area: "n\u00f6rd", empty: "" };
    const large = { body: "x".repeat(limits.lineBytesMax + 1) };
    const answers = [
      client.appendBatch(outgoing([{ body: "a", headers }, { body: "" }])),
      client.appendBatch(outgoing([large, { body: "c" }])),
      client.appendBatch([]),
    ];
    expect(await Promise.all(answers)).toEqual([0, 0, 0]);
    client.close();
    const [a, empty, long, c] = world.run.intake.work.events;
    expect(a).toEqual({ body: "a", key: "KA-1", eventTimeMs: 1_700_000_000_000, headers });
    expect(empty?.body).toBe("");
    expect(long?.body.length).toBe(limits.lineBytesMax);
    expect(long?.headers).toEqual({ cut: String(limits.lineBytesMax) });
    expect(c?.body).toBe("c");
  },
);

test("many events, so that lengths take more than a byte, and a request of 20 MB", async () => {
  await using world = await started();
  for (const protocol of ["compact", "binary"] as const) {
    const client = new ThriftClient(peer(world.run, protocol));
    await client.connect(never);
    const many = Array.from({ length: 500 }, (_, index) => ({ body: `${protocol} ${index} ${"x".repeat(200)}` }));
    expect(await client.appendBatch(outgoing(many))).toBe(0);
    const large = Array.from({ length: 40 }, (_, index) => ({
      body: `${protocol} large ${index} ${"x".repeat(500_000)}`,
    }));
    expect(await client.appendBatch(outgoing(large))).toBe(0);
    client.close();
    const found = world.run.intake.work.lines.filter((line) => line.startsWith(protocol));
    expect(found).toEqual([...many, ...large].map(({ body }) => body));
  }
});

test("an `append` as Java writes it, and a call that there is not", async () => {
  await using world = await started();
  using client = new Client({ port: portOf(world.run) });
  await client.connected();
  const binary = (name: string, rest: string) =>
    Buffer.concat([
      Buffer.from("80010001", "hex"),
      Buffer.from([0, 0, 0, name.length]),
      Buffer.from(name),
      Buffer.from(rest, "hex"),
    ]);
  const framed = (call: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, call.length]), call]);
  // Serial 7; field 1 a structure: field 1 a map of one text, field 2 the bytes "hi"; an unknown field 9, an i64.
  const event = "0c00010d00010b0b00000001000000016100000001620b0002000000026869";
  client.send(framed(binary("append", `00000007${event}0a000900000000000000010000`)));
  await until("the answer", () => client.heard.length >= 30);
  expect(world.run.intake.work.events).toEqual([{ body: "hi", headers: { a: "b" } }]);
  const answer = Buffer.from(client.heard, "latin1");
  // A reply with field 0, an i32: OK.
  expect(answer.toString("hex")).toBe("0000001a8001000200000006617070656e64000000070800000000000000");
  client.send(framed(binary("ping", "0000000800")));
  await until("the exception", () => client.heard.includes("there is no call"));
  expect(client.isLeft).toBe(false);
});

test("what claims more than it holds, or is nested without end, ends its connection and no other", async () => {
  await using world = await started({ requestBytesMax: "64KiB" });
  const call = "80010001" + "0000000b617070656e644261746368" + "00000001";
  const hostile = [
    // A frame that is too large; a list of a billion; a body of a billion bytes; structures in structures.
    "7fffffff",
    `${call}0f00010c3b9aca00`,
    `${call}0f00010c000000010b00023b9aca00`,
    `${call}${"0c0009".repeat(5_000)}`,
    `${call}0f0009${"0f00000001".repeat(5_000)}`,
    `8221ffffffffffffffffffffffff`,
    "47455420",
  ];
  for (const [at, text] of hostile.entries()) {
    using client = new Client({ port: portOf(world.run) });
    await client.connected();
    const bytes = Buffer.from(text, "hex");
    const length = Buffer.alloc(4);
    length.writeInt32BE(bytes.length);
    client.send(at === 0 ? bytes : Buffer.concat([length, bytes]));
    await until(`the end of ${at}`, () => client.isLeft);
  }
  const fine = new ThriftClient(peer(world.run));
  await fine.connect(never);
  expect(await fine.appendBatch(outgoing([{ body: "one" }]))).toBe(0);
  fine.close();
  expect(world.run.intake.work.lines).toEqual(["one"]);
});
