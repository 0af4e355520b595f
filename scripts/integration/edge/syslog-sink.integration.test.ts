/** The syslog sink against a real rsyslog: TCP, TLS and UDP, both RFCs, rsyslog stopped and started, the edge killed with -9. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Rsyslog } from "../../drivers/rsyslog/rsyslog.ts";
import { StoreWorld } from "./store-world.ts";

const dir = tempDir();
const ports = { own: 0, tcp: 0, tls: 0, udp: 0 };
let rsyslog: Rsyslog;
let authority = "";

/** Everything that it takes in one place goes to a file of its own, and nothing waits in between. */
function start(): Promise<Rsyslog> {
  const format = "%structured-data% %hostname% %app-name% %syslogfacility-text%.%syslogseverity-text% %msg%\\n";
  const ruleset = (name: string) =>
    `ruleset(name="${name}") { action(type="omfile" file="${dir.file(`${name}.log`)}" template="plain") }`;
  return Rsyslog.start({
    folder: dir.file("rsyslog"),
    port: ports.own,
    modules: ["imudp"],
    actions: ["  stop"],
    statements: [
      'main_queue(queue.type="Direct")',
      `template(name="plain" type="string" string="${format}")`,
      `global(defaultNetstreamDriverCAFile="${dir.file("ca.pem")}" defaultNetstreamDriverCertFile="${dir.file("cert.pem")}" defaultNetstreamDriverKeyFile="${dir.file("key.pem")}")`,
      'module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")',
      ...["tcp", "tls", "udp"].map(ruleset),
      `input(type="imptcp" address="127.0.0.1" port="${ports.tcp}" ruleset="tcp")`,
      `input(type="imtcp" port="${ports.tls}" ruleset="tls")`,
      // Room for all that a test sends: what the kernel has no room for is lost, and nobody hears of it.
      `input(type="imudp" address="127.0.0.1" port="${ports.udp}" rcvbufSize="8m" ruleset="udp")`,
    ],
  });
}

const lines = (name: string) => {
  const path = dir.file(`${name}.log`);
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
};

beforeAll(async () => {
  mkdirSync(dir.file("certificates"));
  mkdirSync(dir.file("rsyslog"));
  const { ca, broker } = makeCertificates(dir.file("certificates"));
  authority = dir.file("ca.pem");
  writeFileSync(authority, ca);
  writeFileSync(dir.file("cert.pem"), broker.cert);
  writeFileSync(dir.file("key.pem"), broker.key);
  Object.assign(ports, { own: await freePort(), tcp: await freePort(), tls: await freePort(), udp: await freePort() });
  rsyslog = await start();
}, 60_000);

afterAll(async () => {
  await rsyslog?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const sink = (more: string) => `sinks: { out: { type: syslog, channel: main, hostname: 127.0.0.1, ${more} } }`;

test.each([
  ["tcp", "octets", () => `port: ${ports.tcp}, facility: local3, severity: err`, "local3.err"],
  ["tcp", "lines, RFC 3164", () => `port: ${ports.tcp}, framing: newline, format: "3164"`, "user.info"],
  ["tcp", "a kept connection", () => `port: ${ports.tcp}, acknowledge: none`, "user.info"],
  ["tls", "octets", () => `port: ${ports.tls}, tls: { ca: { file: ${authority} } }`, "user.info"],
  ["udp", "datagrams", () => `port: ${ports.udp}, transport: udp`, "user.info"],
])(
  "%s, %s: rsyslog has every line once, in order",
  async (name, _how, config, priority) => {
    const before = lines(name).length;
    await using world = await StoreWorld.open(sink(config()));
    world.start();
    world.write(500);
    await world.drained();
    await until("the lines", () => lines(name).length >= before + 500);
    const came = lines(name).slice(before);
    const bodies = came.map((line) => /line \d+$/.exec(line)?.[0]);
    expect(bodies).toEqual([...world.lines]);
    expect(came[0]).toContain(` driving ${priority} `);
  },
  60_000,
);

test("rsyslog stopped and started, the edge killed: nothing is missing, what comes again has its id", async () => {
  const before = lines("tcp").length;
  await using world = await StoreWorld.open(sink(`port: ${ports.tcp}, recordsMax: 200, timeout: 10s`));
  world.start();
  for (let round = 0; round < 4; round++) {
    world.write(3_000);
    await Bun.sleep(300 + round * 100);
    if (round % 2 === 0) {
      await rsyslog.stop();
      world.write(1_000);
      await Bun.sleep(1_000);
      rsyslog = await start();
    } else {
      await world.kill();
      world.start();
    }
  }
  await world.drained(90_000);
  const came = lines("tcp").slice(before);
  const bodies = came.map((line) => /line \d+$/.exec(line)?.[0] ?? "");
  const ids = new Set(came.map((line) => /id="([^"]+)"/.exec(line)?.[1]));
  expect([...new Set(bodies)].toSorted()).toEqual([...world.lines].toSorted());
  expect(ids.size).toBe(world.lines.length);
  console.log(
    `syslog, rsyslog stopped twice and the edge killed twice: ${world.lines.length} lines, missing 0, repeated ${came.length - ids.size}`,
  );
}, 240_000);

test("a certificate that the config does not know holds the events", async () => {
  await using world = await StoreWorld.open(sink(`port: ${ports.tls}, tls: {}`));
  world.start();
  world.write(10);
  await until("the trouble to be said", () => world.log.includes("delivery_retried"), Boolean, { withinMs: 30_000 });
  expect(world.log).toMatch(/unable to (?:get|verify)|self.signed|UNABLE_TO_|certificate/i);
  expect(await world.books()).toMatchObject({ sent: 0, held: 10, dead: 0 });
}, 60_000);
