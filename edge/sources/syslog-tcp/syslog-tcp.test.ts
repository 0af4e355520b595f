import { describe, expect, test } from "bun:test";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Client } from "../../listeners/testing/client.ts";
import { streamContract } from "../../testing/contracts/stream.contract.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const at = (port: number) => ({ address: `127.0.0.1:${port}` });
const head = "<34>1 2003-10-11T22:14:15.003Z gw-1 ";
const config = { ...at(0), eventBytesMax: 1_000 };

streamContract("syslog_tcp, lines", { definition, config, at, message: (body) => `${head}${body}\n` });
streamContract("syslog_tcp, lengths", {
  definition,
  config: { ...config, framing: "octets" },
  at,
  message: (body) => `${head.length + body.length} ${head}${body}`,
});

describe("syslog_tcp", () => {
  async function send(changes: Readonly<Record<string, unknown>>, text: string, count: number) {
    using dir = tempDir();
    await using run = runSource({ definition, config: { ...config, ...changes }, dataDir: dir.path });
    const port = await listening(run);
    using client = new Client({ port });
    client.send(text);
    client.end();
    await until("the messages", () => run.intake.lines.length === count);
    return run.intake.events;
  }

  const listening = (run: RunningSource) => until("the source to listen", () => Number(run.source.status().port));

  test("gives Flume's headers, the message's time, and a key", async () => {
    const events = await send(
      { clientIpHeader: "from", key: "host" },
      `${head}app - - - one\nno syslog\n<13>two\n${head}half`,
      4,
    );
    const common = { Facility: "4", Severity: "2", priority: "34", version: "1" };
    const whole = { ...common, timestamp: "1065910455003", host: "gw-1", from: "127.0.0.1" };
    expect(events).toEqual([
      { body: "app - - - one", key: "gw-1", eventTimeMs: 1_065_910_455_003, headers: whole },
      {
        body: "no syslog",
        headers: { Facility: "0", Severity: "0", "flume.syslog.status": "Invalid", from: "127.0.0.1" },
      },
      { body: "<13>two", headers: { Facility: "1", Severity: "5", priority: "13", from: "127.0.0.1" } },
      { body: "half", key: "gw-1", eventTimeMs: 1_065_910_455_003, headers: whole },
    ]);
  });

  test("keeps all of a message, or parts of it", async () => {
    const [all, some] = [
      await send({ keepFields: "all" }, `${head}x\n`, 1),
      await send({ keepFields: ["hostname"], eventTime: "received" }, `${head}x\n`, 1),
    ];
    expect(all[0]?.body).toBe(`${head}x`);
    expect(some[0]).toMatchObject({ body: "gw-1 x" });
    expect(some[0]?.eventTimeMs).toBeUndefined();
  });

  test("marks a message that was cut off", async () => {
    const events = await send({}, `100 ${head}half`, 1);
    expect(events).toMatchObject([{ body: "half", headers: { host: "gw-1", "flume.syslog.status": "Incomplete" } }]);
  });

  test("over TLS with the client's certificate", async () => {
    using dir = tempDir();
    const { ca, broker: server, client: pair } = makeCertificates(dir.path);
    const tls = { cert: server.cert, key: server.key, clientCa: ca };
    await using run = runSource({ definition, config: { ...config, tls }, dataDir: dir.path });
    const port = await listening(run);
    using stranger = new Client({ port, tls: { ca } });
    stranger.send(`${head}no\n`);
    using client = new Client({ port, tls: { ca, ...pair } });
    client.send(`${head}yes\n`);
    await until("the message", () => run.intake.lines.length === 1);
    await until("the refusal", () => stranger.isLeft);
    expect(run.intake.lines).toEqual(["yes"]);
  });

  test("what is no syslog with lengths ends its connection, and is counted", async () => {
    using dir = tempDir();
    await using run = runSource({ definition, config: { ...config, framing: "octets" }, dataDir: dir.path });
    using client = new Client({ port: await listening(run) });
    client.send("GET / HTTP/1.1\r\n\r\n");
    await until("the end", () => client.isLeft);
    expect(run.source.status()).toMatchObject({ refused: { protocol: 1 } });
  });
});
