/** The topics of an MQTT source change while the broker, a real mosquitto, keeps its session. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Mosquitto } from "../../../drivers/mosquitto/mosquitto.ts";
import { ListeningAgent } from "./listening-agent.ts";

const dir = tempDir();
let broker: Mosquitto;
let port = 0;
let agent: ListeningAgent;

const sources = (...topics: string[]) =>
  Object.fromEntries(
    (["3.1.1", "5"] as const).map((version, index) => [
      ["old", "five"][index] ?? "",
      { type: "mqtt", broker: `127.0.0.1:${port}`, topics, version },
    ]),
  );

beforeAll(async () => {
  port = await freePort();
  broker = new Mosquitto({ folder: dir.file("broker"), port });
  await broker.start();
  agent = await ListeningAgent.write(dir, sources("one/#", "two/#"));
  await agent.start();
}, 60_000);

afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
  dir[Symbol.dispose]();
});

/** Publishes to each topic; what came of it to each source. */
async function came(text: string, expected: number): Promise<readonly (readonly string[])[]> {
  for (const topic of ["one", "two", "three"]) await broker.publish(`${topic}/x`, [`${text} ${topic}`]);
  const own = (name: string) => agent.lines(name).filter((line) => line.startsWith(`${text} `));
  const both = () => [own("old"), own("five")];
  await until("them to come", both, (lines) => lines.every(({ length }) => length >= expected), { withinMs: 20_000 });
  await Bun.sleep(1_000);
  return both().map((lines) => lines.toSorted());
}

const bothSubscribed = (how: string) =>
  until(
    `both to be subscribed (${how})`,
    async () => [await agent.status("old"), await agent.status("five")],
    (both) => both.every(({ connects }) => Number(connects) > 0),
    { withinMs: 20_000 },
  );

const unsubscribed = (times: number) =>
  until(
    "both to be unsubscribed",
    () => agent.log.split("mqtt_unsubscribed").length - 1,
    (said) => said === times,
    {
      withinMs: 20_000,
    },
  );

test("what the config names no more comes no more: after a reload, after a restart, after a kill", async () => {
  await bothSubscribed("start");
  expect(await came("first", 2)).toEqual([
    ["first one", "first two"],
    ["first one", "first two"],
  ]);

  agent.configure(sources("two/#", "three/#"));
  agent.reload();
  await unsubscribed(2);
  expect(await came("reload", 2)).toEqual([
    ["reload three", "reload two"],
    ["reload three", "reload two"],
  ]);

  await agent.kill();
  agent.configure(sources("three/#"));
  await agent.start();
  await unsubscribed(4);
  expect(await came("kill", 1)).toEqual([["kill three"], ["kill three"]]);

  // Nothing has changed: nobody is told anything.
  await agent.kill();
  await agent.start();
  await bothSubscribed("again");
  expect(await came("again", 1)).toEqual([["again three"], ["again three"]]);
  await unsubscribed(4);
}, 120_000);
