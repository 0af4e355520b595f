/** The syslog and RELP sources beside a real rsyslog: each of its ways to send, and an agent that is killed meanwhile. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { makeCertificates } from "../../../../shared/testing/certificates.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Rsyslog } from "../../../drivers/rsyslog/rsyslog.ts";
import { compare, ListeningAgent } from "./listening-agent.ts";

const dir = tempDir();
let agent: ListeningAgent;
let rsyslog: Rsyslog;

const message = (text: string) => `<134>Nov 26 10:00:00 gw-7 app[1]: ${text}`;
/** As rsyslog's forward format brings it: the body behind the host. */
const body = (text: string) => `app[1]: ${text}`;
const texts = (count: number, what: string) =>
  Array.from({ length: count }, (_, index) => `${what} ${index} ${"x".repeat(100)}`);

beforeAll(async () => {
  mkdirSync(dir.file("certificates"));
  const { ca, broker: server } = makeCertificates(dir.file("certificates"));
  writeFileSync(dir.file("ca.pem"), ca);
  const [relp, lines, octets, datagrams, encrypted] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const at = (port: number) => `127.0.0.1:${port}`;
  agent = await ListeningAgent.write(dir, {
    relp: { type: "relp", address: at(relp), connectionsMax: 10 },
    lines: { type: "syslog_tcp", address: at(lines), framing: "newline" },
    octets: { type: "syslog_tcp", address: at(octets), framing: "octets" },
    datagrams: { type: "syslog_udp", address: at(datagrams) },
    encrypted: { type: "syslog_tcp", address: at(encrypted), tls: { cert: server.cert, key: server.key } },
  });
  await agent.start();
  const again = 'action.resumeRetryCount="-1" action.resumeInterval="1"';
  const format = 'template="RSYSLOG_ForwardFormat"';
  const forward = (port: number, more: string) =>
    `  action(type="omfwd" target="127.0.0.1" port="${port}" ${format} ${again} queue.type="LinkedList" ${more})`;
  const tls = `streamDriver="gtls" streamDriverMode="1" streamDriverAuthMode="anon" streamDriver.CAFile="${dir.file("ca.pem")}"`;
  mkdirSync(dir.file("rsyslog"));
  rsyslog = await Rsyslog.start({
    folder: dir.file("rsyslog"),
    port: await freePort(),
    modules: ["omrelp"],
    actions: [
      `  action(type="omrelp" target="127.0.0.1" port="${relp}" ${format} ${again} queue.type="LinkedList" queue.size="100000")`,
      forward(lines, 'protocol="tcp" TCP_Framing="traditional"'),
      forward(octets, 'protocol="tcp" TCP_Framing="octet-counted"'),
      forward(datagrams, 'protocol="udp"'),
      forward(encrypted, `protocol="tcp" ${tls}`),
    ],
  });
}, 60_000);

afterAll(async () => {
  await rsyslog?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

test("every way of sending brings every message", async () => {
  const sent = texts(500, "first");
  await rsyslog.give(sent.map(message));
  for (const name of ["relp", "lines", "octets", "datagrams", "encrypted"]) {
    await until(
      `500 messages by ${name}; rsyslog says ${rsyslog.log.slice(-500)}`,
      () => agent.lines(name).length >= 500,
      Boolean,
      {
        withinMs: 20_000,
      },
    );
    expect([name, compare(sent.map(body), agent.lines(name))]).toEqual([name, { missing: 0, repeated: 0, foreign: 0 }]);
  }
}, 60_000);

test("RELP: an agent that is killed three times loses nothing", async () => {
  const before = agent.lines("relp").length;
  const sent = texts(30_000, "killed");
  const giving = rsyslog.give(sent.map(message));
  for (const share of [0.1, 0.4, 0.7]) {
    const enough = before + share * sent.length;
    await until("some to arrive", () => agent.lines("relp").length > enough, Boolean, { withinMs: 30_000, everyMs: 5 });
    await agent.kill();
    await agent.start();
  }
  await giving;
  const found = () => compare(sent.map(body), agent.lines("relp").slice(before));
  await until("the rest", () => found().missing === 0, Boolean, { withinMs: 60_000, everyMs: 200 });
  const { repeated, foreign } = found();
  console.log(`relp, killed three times among ${sent.length} messages: missing 0, repeated ${repeated}`);
  // What was stored and not yet answered is sent again: at most what a sender may have on the way, each time.
  expect(repeated).toBeLessThanOrEqual(3 * 1_024);
  expect(foreign).toBe(0);
}, 180_000);
