import { describe, expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Client } from "../../listeners/testing/client.ts";
import { pushContract, type SenderHeard, type SentEvent } from "../../testing/contracts/push.contract.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const portOf = (run: RunningSource) => Number(run.source.status().port);

/** Sends lines and ends its side; what it hears at the end. */
async function send(run: RunningSource, events: readonly SentEvent[], signal?: AbortSignal): Promise<SenderHeard> {
  const port = portOf(run);
  // It has stopped.
  if (Number.isNaN(port)) return "nothing";
  using client = new Client({ port });
  client.send(events.map(({ body }) => `${body}\n`).join(""));
  if (signal === undefined) client.end();
  const answers = () => client.heard.split("\n").slice(0, -1);
  const done = () =>
    client.isLeft || signal?.aborted === true || (events.length > 0 && answers().length === events.length);
  await until("the answers", done, Boolean, { withinMs: 20_000, everyMs: 2 });
  const heard = answers();
  if (heard.some((each) => each.includes("longer than"))) return "refused for ever";
  if (heard.length < events.length) return "nothing";
  if (heard.every((each) => each === "OK")) return "stored";
  return heard.some((each) => each.includes("nobody can say")) ? "may be taken" : "not taken";
}

const oneWord = "the protocol has one good word, OK, and a line a message";

pushContract(
  "netcat",
  {
    definition,
    config: { address: "127.0.0.1:0" },
    twoSenders: { sendersMax: 2 },
    impatient: { answerWithin: "1500ms" },
    send,
    sendHalf: async (run) => {
      const client = new Client({ port: portOf(run) });
      await client.connected();
      client.send("half a li");
      return () => client.socket.resetAndDestroy();
    },
  },
  {
    "key, time and headers arrive": oneWord,
    "bytes pass untouched": "a line feed ends an event",
    "of a push with one event too large nothing is taken": "each line is answered for itself",
    "what is not of the protocol is refused, and others go on": "all bytes are lines",
    "a sender that leaves while it waits for room brings nothing":
      "a sender that ends its side still waits for its answers",
    "over a channel that a crash empties the answer says so": oneWord,
  },
);

describe("netcat", () => {
  const start = (config: Readonly<Record<string, unknown>>, dataDir: string) =>
    runSource({ definition, config: { address: "127.0.0.1:0", ...config }, dataDir });
  const listening = (run: RunningSource) => until("the source to listen", () => portOf(run) > 0);

  test("answers each line in its order, also those that are too long", async () => {
    using dir = tempDir();
    await using run = start({ lineBytesMax: 16, clientIpHeader: "client" }, dir.path);
    await listening(run);
    using client = new Client({ port: portOf(run) });
    client.send(`one\n${"x".repeat(100_000)}\ntwo\nlast without line feed`);
    client.end();
    await until("the end", () => client.isLeft);
    const tooLong = "FAILED: the line is longer than 16 bytes\n";
    expect(client.heard).toBe(`OK\n${tooLong}OK\n${tooLong}`);
    expect(run.intake.events).toEqual([
      { body: "one", headers: { client: "127.0.0.1" } },
      { body: "two", headers: { client: "127.0.0.1" } },
    ]);
  });

  test("takes a hundred thousand tiny lines of one chunk", async () => {
    using dir = tempDir();
    await using run = start({}, dir.path);
    await listening(run);
    using client = new Client({ port: portOf(run) });
    client.send("a\n".repeat(100_000));
    client.end();
    await until("the answers", () => client.heard.length === 300_000);
    expect(run.intake.lines.length).toBe(100_000);
  });

  test("without answers the channel's room is what holds the sender up, and long lines are cut", async () => {
    using dir = tempDir();
    await using run = start({ ackEveryEvent: false, lineBytesMax: 16, stripCarriageReturn: true }, dir.path);
    await listening(run);
    run.intake.block();
    using client = new Client({ port: portOf(run) });
    client.send(`a\r\n${"x".repeat(20)}\nb`);
    await until("the source to wait", () => run.intake.waits > 0);
    await Bun.sleep(30);
    expect(run.intake.lines).toEqual([]);
    run.intake.unblock();
    client.end();
    await until("the end", () => client.isLeft);
    expect(client.heard).toBe("");
    expect(run.intake.events).toEqual([
      { body: "a", headers: {} },
      { body: "x".repeat(16), headers: { cut: "16" } },
      { body: "b", headers: {} },
    ]);
    expect([run.intake.counter("cut"), run.intake.counter("cut_bytes")]).toEqual([1, 4]);
  });

  test("without answers a stop takes what was received", async () => {
    using dir = tempDir();
    const run = start({ ackEveryEvent: false }, dir.path);
    await listening(run);
    using client = new Client({ port: portOf(run) });
    client.send("a\nb\nhalf");
    await until("them to be received", () => run.intake.lines.length === 2);
    run.intake.block();
    client.send(" line\nc\n");
    await until("it to be received", () => run.source.status().heldBytes === 12);
    run.intake.unblock();
    await run.stop();
    expect(run.intake.lines).toEqual(["a", "b", "half line", "c"]);
  });

  test("listens on a Unix socket", async () => {
    using dir = tempDir();
    const path = dir.file("in.sock");
    await using run = start({ address: path }, dir.path);
    await until("the source to listen", () => run.isLoaded && run.source.status().listens === true);
    using client = new Client({ path });
    client.send("a\n");
    await until("the answer", () => client.heard === "OK\n");
    expect(run.intake.lines).toEqual(["a"]);
  });
});
