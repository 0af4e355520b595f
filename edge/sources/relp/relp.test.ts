import { describe, expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Client } from "../../listeners/testing/client.ts";
import { pushContract, type SenderHeard, type SentEvent } from "../../testing/contracts/push.contract.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import { answerFrame, parseHead } from "./frame.ts";
import definition from "./index.ts";

const portOf = (run: RunningSource) => Number(run.source.status().port);
const frame = (number: number, command: string, data = "") =>
  `${number} ${command} ${data.length}${data === "" ? "" : ` ${data}`}\n`;
const hello = "relp_version=0\nrelp_software=test\ncommands=syslog";

/** How many messages were answered with 200. */
const answered = (heard: string) => heard.match(/^\d+ rsp 6 200 OK$/gm)?.length ?? 0;

async function send(run: RunningSource, events: readonly SentEvent[], signal?: AbortSignal): Promise<SenderHeard> {
  const port = portOf(run);
  // It has stopped.
  if (Number.isNaN(port)) return "nothing";
  using client = new Client({ port });
  client.send(frame(1, "open", hello));
  client.send(events.map(({ body }, index) => frame(index + 2, "syslog", body)).join(""));
  const done = () =>
    client.isLeft ||
    signal?.aborted === true ||
    (client.heard.includes("commands=") && answered(client.heard) === events.length);
  await until("the answers", done, Boolean, { withinMs: 20_000, everyMs: 2 });
  return answered(client.heard) === events.length && signal?.aborted !== true ? "stored" : "nothing";
}

const waits = "RELP has no word for it: the sender waits, and sends again when its connection ends";

pushContract(
  "relp",
  {
    definition,
    config: { address: "127.0.0.1:0" },
    twoSenders: {},
    impatient: {},
    send,
    sendGarbage: async (run) => {
      using client = new Client({ port: portOf(run) });
      client.send("GET / HTTP/1.1\r\n\r\n");
      await until("the end", () => client.isLeft);
      return "nothing";
    },
    sendHalf: async (run) => {
      const client = new Client({ port: portOf(run) });
      await client.connected();
      client.send("1 syslog 100 <13>half");
      return () => client[Symbol.dispose]();
    },
  },
  {
    "key, time and headers arrive": "they are those of the syslog message; see below",
    "a channel that stays full is said, and nothing was taken": waits,
    "a commit that stays away after events were appended is not said to be a refusal": waits,
    "more senders than may wait are refused at once, the others are served": waits,
    "an event that is too large is refused for ever, and others go on":
      "its sender would send it without end; it is cut and counted",
    "of a push with one event too large nothing is taken": "each message is answered for itself",
    "over a channel that a crash empties the answer says so": "RELP has one good word",
  },
);

describe("relp", () => {
  async function world(config: Readonly<Record<string, unknown>> = {}) {
    const dir = tempDir();
    const run = runSource({ definition, config: { address: "127.0.0.1:0", ...config }, dataDir: dir.path });
    await until("the source to listen", () => portOf(run) > 0);
    return {
      run,
      client: () => new Client({ port: portOf(run) }),
      [Symbol.asyncDispose]: async () => {
        await run.crash();
        dir[Symbol.dispose]();
      },
    };
  }

  test("a whole session, in pieces", async () => {
    await using w = await world({ key: "host" });
    using client = w.client();
    const message = "<34>1 2003-10-11T22:14:15.003Z gw-1 app - - - one\ntwo";
    const all = frame(1, "open", hello) + frame(2, "syslog", message) + frame(3, "other") + frame(4, "close");
    for (let at = 0; at < all.length; at += 7) {
      client.send(all.slice(at, at + 7));
      await Bun.sleep(1);
    }
    await until("the end", () => client.isLeft);
    expect(client.heard.split("\n")).toEqual([
      "1 rsp 60 200 OK",
      "relp_version=0",
      "relp_software=tailgate",
      "commands=syslog",
      "2 rsp 6 200 OK",
      "3 rsp 28 500 the command is not known",
      "4 rsp 0",
      "0 serverclose 0",
      "",
    ]);
    expect(w.run.intake.events).toMatchObject([
      {
        body: "app - - - one\ntwo",
        key: "gw-1",
        eventTimeMs: 1_065_910_455_003,
        headers: { Facility: "4", host: "gw-1" },
      },
    ]);
  });

  test("a message that is too long is cut, marked, counted and answered", async () => {
    await using w = await world({ eventBytesMax: 1_000 });
    using client = w.client();
    client.send(frame(1, "syslog", `<13>${"x".repeat(300_000)}`) + frame(2, "syslog", "<13>after"));
    await until("the answers", () => answered(client.heard) === 2);
    expect(w.run.intake.lines.map((line) => line.length)).toEqual([1_000, 9]);
    expect(w.run.intake.events[0]?.headers["flume.syslog.status"]).toBe("Incomplete");
    expect(w.run.intake.counter("cut")).toBe(1);
  });

  test("while the channel is full nothing is answered, and nothing twice when there is room", async () => {
    await using w = await world();
    w.run.intake.block();
    using client = w.client();
    client.send(frame(1, "syslog", "<13>a"));
    await Bun.sleep(50);
    expect(client.heard).toBe("");
    w.run.intake.unblock();
    await until("the answer", () => answered(client.heard) === 1);
    expect(w.run.intake.lines).toEqual(["<13>a"]);
  });

  test("a stop is said to senders", async () => {
    await using w = await world();
    using client = w.client();
    client.send(frame(1, "syslog", "<13>a"));
    await until("the answer", () => answered(client.heard) === 1);
    await w.run.stop();
    await until("the end", () => client.isLeft);
    expect(client.heard.endsWith("0 serverclose 0\n")).toBe(true);
  });

  test.each([
    "1 syslog 3 abcd\n",
    "1 syslog 999999999 <13>",
    "x",
    "1 sys-log 0\n",
    `${"1".repeat(60)}`,
    "1  0\n",
    "\u0000",
  ])("%j is no frame: the connection ends", async (bytes) => {
    await using w = await world();
    using client = w.client();
    client.send(bytes);
    await until("the end", () => client.isLeft);
    expect(w.run.source.status()).toMatchObject({ refused: { protocol: 1 } });
  });
});

describe("the head of a frame", () => {
  test.each([
    ["2 syslog 5 hello\n", { number: "2", command: "syslog", dataBytes: 5, dataAt: 11 }],
    ["3 close 0\n", { number: "3", command: "close", dataBytes: 0, dataAt: 9 }],
    ["3 close 0 \n", { number: "3", command: "close", dataBytes: 0, dataAt: 10 }],
    ["", "more"],
    ["12", "more"],
    ["12 sys", "more"],
    ["12 syslog 5", "more"],
    ["12 syslog x", undefined],
    ["12 syslog 5\n", undefined],
  ] as const)("%j", (text, expected) => {
    expect(parseHead(Buffer.from(text))).toEqual(expected);
  });

  test("of an answer", () => {
    expect([answerFrame("7", "200 OK"), answerFrame("8", "")]).toEqual(["7 rsp 6 200 OK\n", "8 rsp 0\n"]);
  });
});
