/** The MQTT source beside a real mosquitto: both versions, shared subscriptions, TLS and login, killed on both sides. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificates } from "../../../../shared/testing/certificates.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Mosquitto } from "../../../drivers/mosquitto/mosquitto.ts";
import { compare, ListeningAgent } from "./listening-agent.ts";

const dir = tempDir();
let plain: Mosquitto;
let secure: Mosquitto;
let agent: ListeningAgent;
const clientWords: string[] = [];
const texts = (count: number, what: string) => Array.from({ length: count }, (_, index) => `${what} ${index}`);

beforeAll(async () => {
  const [plainPort, securePort] = [await freePort(), await freePort()];
  const folder = dir.file("certificates");
  mkdirSync(folder);
  const { ca, broker, client } = makeCertificates(folder);
  const pem = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const caFile = pem("the-ca.pem", ca);
  clientWords.push("--cafile", caFile, "--cert", pem("c.pem", client.cert), "--key", pem("c.key", client.key));
  clientWords.push("-u", "gw", "-P", "secret");
  const tls = { ca: caFile, cert: pem("b.pem", broker.cert), key: pem("b.key", broker.key) };
  plain = new Mosquitto({ folder: dir.file("plain"), port: plainPort });
  secure = new Mosquitto({
    folder: dir.file("secure"),
    port: securePort,
    tls,
    user: { name: "gw", password: "secret" },
  });
  await Promise.all([plain.start(), secure.start()]);
  const at = (port: number) => `127.0.0.1:${port}`;
  const login = { username: "gw", password: "secret", tls: { ca, ...client } };
  agent = await ListeningAgent.write(dir, {
    old: { type: "mqtt", broker: at(plainPort), topics: ["old/#"], version: "3.1.1" },
    five: { type: "mqtt", broker: at(plainPort), topics: ["five/+"], key: "topic" },
    first: { type: "mqtt", broker: at(plainPort), topics: ["$share/group/shared"] },
    second: { type: "mqtt", broker: at(plainPort), topics: ["$share/group/shared"] },
    secure: { type: "mqtt", broker: at(securePort), topics: ["s"], ...login },
    wrong: { type: "mqtt", broker: at(securePort), topics: ["s"], ...login, password: "guessed" },
  });
  await agent.start();
  for (const name of ["old", "five", "first", "second", "secure"]) await subscribed(name);
}, 60_000);

afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await plain?.[Symbol.asyncDispose]();
  await secure?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const subscribed = (name: string) =>
  until(`${name} to be connected`, async () => Number((await agent.status(name)).connects) > 0, Boolean, {
    withinMs: 20_000,
  });

const arrived = (count: number, ...names: readonly string[]) =>
  until(
    `${count} messages in ${names.join(" and ")}`,
    () => names.reduce((sum, name) => sum + agent.lines(name).length, 0),
    (seen) => seen >= count,
    { withinMs: 30_000, everyMs: 50 },
  );

const whole = { missing: 0, repeated: 0, foreign: 0 };

test("both versions, TLS with login, and a wrong password that is said", async () => {
  const sent = texts(1_000, "plain");
  await plain.publish("old/a", sent);
  await plain.publish("five/a", sent);
  await secure.publish("s", sent, clientWords);
  await Promise.all([arrived(1_000, "old"), arrived(1_000, "five"), arrived(1_000, "secure")]);
  for (const name of ["old", "five", "secure"]) expect([name, compare(sent, agent.lines(name))]).toEqual([name, whole]);
  expect((await agent.status("wrong")).trouble).toContain("log in at the broker");
}, 60_000);

test("a shared subscription shares the messages out", async () => {
  const sent = texts(400, "shared");
  await plain.publish("shared", sent);
  await arrived(400, "first", "second");
  expect(compare(sent, [...agent.lines("first"), ...agent.lines("second")])).toEqual(whole);
  expect(Math.min(agent.lines("first").length, agent.lines("second").length)).toBeGreaterThan(0);
}, 60_000);

test("the agent is killed three times, and the broker once: nothing is missing", async () => {
  const before = agent.lines("five").length;
  const sent = texts(20_000, "killed");
  const parts = [0, 1, 2, 3].map((part) => sent.slice(part * 5_000, (part + 1) * 5_000));
  for (const [round, part] of parts.entries()) {
    const publishing = plain.publish("five/b", part);
    if (round < 3) {
      await until("some", () => agent.lines("five").length > before + round * 5_000, Boolean, {
        withinMs: 20_000,
        everyMs: 2,
      });
      await agent.kill();
      await publishing;
      await agent.start();
    } else {
      await publishing;
      // What it has told a publisher it has, it has written by then.
      await Bun.sleep(2_000);
      await plain.kill();
      await plain.start();
    }
  }
  const found = () => compare(sent, agent.lines("five").slice(before));
  await until("the rest", () => found().missing === 0, Boolean, { withinMs: 60_000, everyMs: 200 });
  const { repeated, foreign } = found();
  console.log(`mqtt, agent killed three times and broker once among ${sent.length}: missing 0, repeated ${repeated}`);
  expect(foreign).toBe(0);
  expect(repeated).toBeLessThanOrEqual(4 * 1_000);
}, 120_000);
