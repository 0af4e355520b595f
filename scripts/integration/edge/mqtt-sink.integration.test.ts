/** The mqtt sink against a real mosquitto: both versions, TLS and login, a wrong password, stopped and started, the edge killed with -9. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import type { Child } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Mosquitto } from "../../drivers/mosquitto/mosquitto.ts";
import { StoreWorld } from "./store-world.ts";

const dir = tempDir();
const ports = { plain: 0, secure: 0 };
let plain: Mosquitto;
let secure: Mosquitto;
let subscribers: { readonly plain: Child; readonly secure: Child };

/** Topic, user properties, payload. */
const format = "%t|%P|%p";

beforeAll(async () => {
  Object.assign(ports, { plain: await freePort(), secure: await freePort() });
  mkdirSync(dir.file("certificates"));
  const { ca, broker, client } = makeCertificates(dir.file("certificates"));
  const pem = (name: string, text: string) => {
    writeFileSync(dir.file(name), text, { mode: 0o600 });
    return dir.file(name);
  };
  const files = { ca: pem("ca.pem", ca), cert: pem("b.pem", broker.cert), key: pem("b.key", broker.key) };
  const own = ["--cafile", files.ca, "--cert", pem("c.pem", client.cert), "--key", pem("c.key", client.key)];
  plain = new Mosquitto({ folder: dir.file("plain"), port: ports.plain });
  const user = { name: "gw", password: "secret" };
  secure = new Mosquitto({ folder: dir.file("secure"), port: ports.secure, tls: files, user });
  await Promise.all([plain.start(), secure.start()]);
  subscribers = {
    plain: plain.subscribe("all", "#", format),
    secure: secure.subscribe("all", "#", format, [...own, "-u", "gw", "-P", "secret"]),
  };
  // A subscription that stands is one that is answered.
  await until("the subscription", async () => {
    await plain.publish("begin", ["begin"]);
    return subscribers.plain.stdout.includes("begin");
  });
  await until("the other", async () => {
    await secure.publish("begin", ["begin"], [...own, "-u", "gw", "-P", "secret"]);
    return subscribers.secure.stdout.includes("begin");
  });
}, 60_000);

afterAll(async () => {
  for (const child of Object.values(subscribers ?? {})) await child[Symbol.asyncDispose]();
  await plain?.[Symbol.asyncDispose]();
  await secure?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

const sink = (more: string) => `sinks: { out: { type: mqtt, channel: main, ${more} } }`;
const login = () =>
  `username: gw, tls: { ca: { file: ${dir.file("ca.pem")} }, cert: { file: ${dir.file("c.pem")} }, key: { file: ${dir.file("c.key")} } }`;

/** Messages of a topic that a subscriber was given. */
const given = (who: keyof typeof subscribers, topic: string) =>
  subscribers[who].stdout.split("\n").filter((line) => line.startsWith(`${topic}|`));
const bodiesOf = (lines: readonly string[]) => lines.map((line) => line.slice(line.lastIndexOf("|") + 1));

test.each([
  ["plain", "five/driving", () => `broker: "127.0.0.1:${ports.plain}", topic: "five/%{stream}"`],
  ["plain", "old", () => `broker: "127.0.0.1:${ports.plain}", topic: old, version: "3.1.1"`],
  ["secure", "tls", () => `broker: "127.0.0.1:${ports.secure}", topic: tls, password: secret, ${login()}`],
] as const)(
  "%s, %s: every line is one message, in order",
  async (who, topic, config) => {
    await using world = await StoreWorld.open(sink(config()));
    world.start();
    world.write(1_000);
    await world.drained();
    await until("the messages", () => given(who, topic).length >= 1_000, Boolean, { withinMs: 20_000 });
    expect(bodiesOf(given(who, topic))).toEqual([...world.lines]);
  },
  60_000,
);

test("a wrong password holds the events, and is said", async () => {
  await using world = await StoreWorld.open(
    sink(`broker: "127.0.0.1:${ports.secure}", topic: t, password: guessed, ${login()}`),
  );
  world.start();
  world.write(10);
  await until("the trouble to be said", () => world.log.includes("log in at the broker"), Boolean, {
    withinMs: 30_000,
  });
  expect(await world.books()).toMatchObject({ sent: 0, held: 10, dead: 0 });
}, 60_000);

test("mosquitto stopped and started, the edge killed: nothing is missing, what comes again has its id", async () => {
  await using world = await StoreWorld.open(
    sink(`broker: "127.0.0.1:${ports.plain}", topic: killed, timeout: 10s, inFlightMax: 200`),
  );
  world.start();
  for (let round = 0; round < 4; round++) {
    world.write(3_000);
    await Bun.sleep(300 + round * 100);
    if (round % 2 === 0) {
      await plain.stop();
      world.write(1_000);
      await Bun.sleep(1_000);
      await plain.start();
    } else {
      await world.kill();
      world.start();
    }
  }
  await world.drained(90_000);
  const missing = () => {
    const there = new Set(bodiesOf(given("plain", "killed")));
    return world.lines.filter((line) => !there.has(line)).length;
  };
  await until("all messages", missing, (count) => count === 0, { withinMs: 30_000 });
  const came = given("plain", "killed");
  const ids = new Set(came.map((line) => /\bid:(\S+)/.exec(line)?.[1]));
  expect(ids.size).toBe(world.lines.length);
  console.log(
    `mqtt, broker stopped twice and the edge killed twice: ${world.lines.length} lines, missing 0, repeated ${came.length - ids.size}`,
  );
}, 240_000);
