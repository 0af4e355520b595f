/** `tailgate-central replay …` as a process of its own, against a central with a real broker. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { topicRecords } from "../../drivers/kafka/topic.ts";
import { type CentralGround, centralGround } from "./ground.ts";

const key = "a-key-for-everything";
const records = 2_000;
const program = join(import.meta.dir, "../../../central/main.ts");
let broker: Broker;
let on: CentralGround;
let central: Central;

beforeAll(async () => {
  broker = await startBroker();
  on = await centralGround(broker, 2);
  await on.producer.send(records);
  central = await on.start({}, key);
  await central.stored(records);
  writeFileSync(on.dir.file("key"), `${key}\n`);
}, 180_000);

afterAll(async () => {
  await central?.[Symbol.asyncDispose]();
  await on?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
});

const command = (words: string, environment: Readonly<Record<string, string>> = {}) =>
  startChild({
    name: "replay",
    command: [process.execPath, program, "replay", ...words.split(" ")],
    env: { TAILGATE_CENTRAL_URL: central.url, TAILGATE_API_KEY_FILE: on.dir.file("key"), ...environment },
  });

async function run(words: string, environment?: Readonly<Record<string, string>>) {
  const child = command(words, environment);
  const exit = await child.exited;
  return { code: exit.code, text: child.tail(10_000) };
}

test("begun and watched until it is done: progress, then what became of the records", async () => {
  const { code, text } = await run(`start --topic ${on.topic} --into-topic ${on.topic}-copy --rate 1000 --watch`);
  expect([code, text]).toEqual([0, expect.stringContaining("Replay #1 has begun.")]);
  expect(text).toMatch(/#1 running \[.*\] \d+\.\d %/);
  expect(text).toContain("#1 done [####################] 100.0 %");
  expect(text).toContain(`produced ${records.toLocaleString("en")}`);
  expect(await topicRecords(broker.address, `${on.topic}-copy`, "read_committed")).toHaveLength(records);
}, 60_000);

test("paused, listed, resumed, cancelled: who watches is told, and exits with 1", async () => {
  expect((await run("start --rate 1")).text).toContain("Replay #2 has begun.");
  const watching = command("watch 2");
  await watching.waitForLine(/#2 running/);
  expect(await run("pause 2")).toMatchObject({ code: 0, text: expect.stringContaining("#2 paused") });
  expect(await run("pause 2")).toMatchObject({ code: 2, text: expect.stringContaining("it is paused") });
  expect((await run("list")).text).toMatch(/#2 paused .* into the store · by .*\n.*#1 done/);
  expect((await run("resume 2")).text).toContain("#2 running");
  expect((await run("cancel 2")).code).toBe(0);
  expect((await watching.exited).code).toBe(1);
  expect(watching.tail(10_000)).toContain("#2 cancelled");
}, 60_000);

test("no key, a wrong address, a wrong word: each said, with an exit code that scripts can tell apart", async () => {
  expect(await run("list", { TAILGATE_API_KEY_FILE: "/nowhere" })).toMatchObject({ code: 2 });
  const closed = await run("list --url http://127.0.0.1:1");
  expect(closed).toMatchObject({ code: 1, text: expect.stringContaining("TAILGATE_CENTRAL_URL") });
  expect(await run("begin")).toMatchObject({ code: 2, text: expect.stringContaining("is followed by start") });
}, 60_000);

test("a central that speaks TLS is asked with --ca, and no other one is believed", async () => {
  using dir = tempDir("tailgate-command-");
  const made = makeCertificates(dir.path);
  const [ca, cert, own] = [dir.file("trusted.pem"), dir.file("cert.pem"), dir.file("key.pem")];
  writeFileSync(ca, made.ca);
  writeFileSync(cert, made.broker.cert);
  writeFileSync(own, made.broker.key);
  const store = dir.file("central.db");
  const environment = { TAILGATE_API_KEY: key, TAILGATE_TLS_CERT: cert, TAILGATE_TLS_KEY: own };
  await using secure = await launchCentral({ store, key, ca: made.ca, environment });
  await secure.wait("the store to be open", async () => (await secure.status()).storeAvailable);
  expect(await run(`list --url ${secure.url} --ca ${ca}`)).toMatchObject({
    code: 0,
    text: expect.stringContaining("No replay has been asked for."),
  });
  expect(await run(`list --url ${secure.url}`)).toMatchObject({ code: 1, text: expect.stringMatching(/certificate/i) });
}, 60_000);
