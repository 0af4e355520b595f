/**
 * What an operator does on the page, pressed in a real Chromium before a real central on a real Kafka, by mouse and by keys, and
 * looked up in the API afterwards. One browser and one central for all of it: each test goes on where the one before has ended.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { Browser } from "../../drivers/browser/browser.ts";
import type { Central } from "../../drivers/central/central.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { topicRecords } from "../../drivers/kafka/topic.ts";
import { type CentralGround, centralGround } from "./ground.ts";
import { keepPicture, onPhone } from "./phone.ts";

const key = "a-key-for-everything";
const records = 1_000;
let broker: Broker;
let on: CentralGround;
let central: Central;
let browser: Browser;

beforeAll(async () => {
  broker = await startBroker();
  on = await centralGround(broker, 2);
  await on.producer.send(records);
  central = await on.start({ TAILGATE_LAKE: on.dir.file("lake"), TAILGATE_LAKE_COMMIT_EVERY: "200ms" }, key);
  await central.stored(records);
  browser = await Browser.open(`${central.url}/#/replays`);
}, 180_000);

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await central?.[Symbol.asyncDispose]();
  await on?.[Symbol.asyncDispose]();
  await broker?.[Symbol.asyncDispose]();
});

const text = `document.querySelector("main").innerText`;
const one = (selector: string) => `document.querySelector(${JSON.stringify(selector)})`;
const named = (name: string) => one(`[name=${JSON.stringify(name)}]`);
const wrong = (name: string) => `document.getElementById("${name}-wrong")?.innerText`;
/** A button by its words, inside of what a selector names. */
const button = (words: string, inside = "main") =>
  `[...document.querySelectorAll(${JSON.stringify(`${inside} button`)})].find((each) => each.innerText === ${JSON.stringify(words)})`;
const says = (words: string) => browser.until(`${text}.includes(${JSON.stringify(words)})`, 30_000);

const go = (place: string) => browser.evaluate(`location.hash = ${JSON.stringify(`#/${place}`)}`);
/** Presses a button by a key, since plots that come may move it; reads what it asks, writes what it wants, and says yes. */
async function confirm(words: string, question: string, typed?: string): Promise<void> {
  await browser.until(
    `(() => { const found = ${button(words)}; found?.focus(); return found !== undefined && document.activeElement === found; })()`,
  );
  await browser.press("Enter");
  await browser.until(`document.querySelector("dialog")?.innerText.includes(${JSON.stringify(question)})`, 30_000);
  if (typed !== undefined) {
    expect(await browser.evaluate(`${button(words, "dialog")}.disabled`)).toBe(true);
    await browser.write(one("dialog input"), typed);
  }
  await browser.click(button(words, "dialog"));
  await browser.until(`document.querySelector("dialog") === null`, 30_000);
}
const deadLetters = async () =>
  (await central.get<{ deadLetters: readonly object[] }>("/api/v1/dead-letters")).deadLetters.length;

/** What is shown now, as it is and on a phone in the dark: nothing sticks out there. */
async function keep(name: string): Promise<void> {
  await keepPicture(browser, name);
  expect([name, await onPhone(browser, name, { scheme: "light" })]).toEqual([name, []]);
}

test("the key is asked for, and written by hand", async () => {
  await browser.until(`document.getElementById("key") !== null`);
  await browser.write(one("#key"), key);
  await browser.press("Enter");
  await says("No replay has been asked for.");
}, 60_000);

test("a replay is begun by a form that says what is wrong beside the field; paused, resumed, ended", async () => {
  await browser.click(one("summary"));
  await browser.write(named("partitions"), "one");
  await browser.write(named("topics"), "a?b");
  await browser.click(button("Begin"));
  await browser.until(`${wrong("partitions")} === "Write a whole number."`);
  await browser.write(named("partitions"), "0");
  await browser.click(button("Begin"));
  // Central's own words.
  await browser.until(`${wrong("topics")}?.startsWith("not a topic's name") && ${wrong("partitions")} === undefined`);
  await keep("replay-form");
  await browser.write(named("topics"), on.topic);
  await browser.choose(named("fromKind"), "offset");
  await browser.write(named("from"), "10");
  await browser.write(named("rate"), "1");
  await browser.press("Enter");
  await says("Replay #1 has begun.");
  await says("#1 running");
  await says(`${on.topic} · partitions 0 · from offset 10 · into the store · at most 1 records/s`);
  await browser.click(button("pause"));
  await says("#1 paused");
  await browser.click(button("resume"));
  await says("#1 running");
  await browser.click(button("cancel"));
  await browser.until(`document.querySelector("dialog")?.open`);
  await browser.press("Escape");
  await browser.until(`document.querySelector("dialog") === null`);
  await browser.click(button("cancel"));
  await browser.click(button("cancel", "dialog"));
  await says("#1 cancelled");
  expect(await central.get("/api/v1/replays/1")).toMatchObject({
    state: "cancelled",
    definition: { from: { offset: 10 } },
  });
}, 90_000);

test("one vehicle's records are copied into another topic, never into the one that is read", async () => {
  await browser.write(named("partitions"), "");
  await browser.choose(named("fromKind"), "start");
  await browser.write(named("rate"), "");
  await browser.write(named("vehicle"), "car-3");
  await browser.write(named("stream"), "drive");
  await browser.choose(named("target"), "topic");
  await browser.write(named("topic"), on.topic);
  await browser.write(named("speed"), "10000");
  await browser.click(button("Begin"));
  await browser.until(`${wrong("topic")}?.includes("it would read what it writes")`);
  await browser.write(named("topic"), `${on.topic}-copy`);
  await browser.click(button("Begin"));
  await says("Replay #2 has begun.");
  await says("#2 done");
  await says(`produced ${records / 10}`);
  expect(await topicRecords(broker.address, `${on.topic}-copy`, "read_committed")).toHaveLength(records / 10);
  expect(await browser.evaluate(`document.querySelector("progress").value`)).toBe(100);
  await keep("replays");
}, 90_000);

test("an agent is put into quarantine, and let in again", async () => {
  await go("agents");
  await says("gw1");
  await confirm("quarantine", "Put all aside that names gw1");
  await says("In quarantine: gw1.");
  await on.producer.send(5);
  await central.wait("5 dead letters", async () => (await deadLetters()) === 5);
  await keep("quarantine");
  await confirm("let in", "Take what comes of gw1 again?");
  await browser.until(`!${text}.includes("In quarantine")`, 30_000);
  expect(await central.get("/api/v1/quarantine")).toEqual({ agents: [] });
}, 90_000);

test("what was put aside meanwhile is tried again: one, then those that a filter shows, after a question", async () => {
  await go("put-aside");
  await browser.until(`document.querySelectorAll("details").length === 5`, 30_000);
  await browser.click(one("summary"));
  await browser.click(button("Try again"));
  await says("It is stored now.");
  expect(await deadLetters()).toBe(4);
  const { deadLetters: left } = await central.get<{ deadLetters: readonly { readonly keyBase64: string }[] }>(
    "/api/v1/dead-letters",
  );
  const vehicle = Buffer.from(left[0]?.keyBase64 ?? "", "base64").toString();
  const { letters } = await central.get<{ letters: number }>(`/api/v1/dead-letters/count?vehicle=${vehicle}`);
  await browser.write(named("vehicle"), vehicle);
  await browser.write(named("reason"), "quarantine");
  await browser.press("Enter");
  await says(`${letters} put aside, of ${vehicle}, with "quarantine" in the reason`);
  await browser.until(`document.querySelectorAll("details").length === ${letters}`, 30_000);
  await keep("dead-letters");
  await confirm(`Redrive ${letters}`, `Try ${letters} again, of ${vehicle}, with "quarantine" in the reason?`);
  await says("Redrive #1 done");
  await says(`tried ${letters} of ${letters} · stored ${letters}`);
  await says("Nothing that was put aside is of these.");
  expect(await browser.evaluate(`document.querySelector("progress").value`)).toBe(100);
  await browser.write(named("vehicle"), "");
  await browser.write(named("reason"), "");
  await browser.press("Enter");
  await says(`${4 - letters} put aside, all`);
  await confirm(`Redrive ${4 - letters}`, `Try ${4 - letters} again, all?`);
  await says("Redrive #2 done");
  await says("Nothing was put aside.");
  expect(await deadLetters()).toBe(0);
  await keep("redriven");
}, 120_000);

test("the lake's snapshots and files are shown, with rows, sizes and offsets", async () => {
  await go("lake");
  await browser.until(`document.querySelector("[aria-label=Files] tbody tr") !== null`, 60_000);
  await browser.until(`/${on.topic}: 0 → [0-9,]+, 1 → /.test(${text})`);
  await browser.click(button("files"));
  await browser.until(`${text}.includes(".parquet") && ${text}.includes("KiB")`);
  await keep("lake");
}, 90_000);

test("a vehicle is erased once its name was written, is withheld, and stored again when it is let back", async () => {
  await go("vehicle/car-7");
  await says("Erase this vehicle");
  await confirm("Erase this vehicle", "Remove all that is stored of car-7", "car-7");
  await says("events are gone.");
  expect(await central.get("/api/v1/events?vehicle=car-7")).toMatchObject({ events: [] });
  await go("erased");
  await says("car-7");
  await keep("erased");
  await confirm("Store again", "Store what comes of car-7");
  await says("No vehicle was erased.");
  expect(await central.get("/api/v1/suppressions")).toEqual({ suppressions: [] });
}, 90_000);

test("an agent's books are closed once its name was written", async () => {
  await go("agents");
  await says("gw1");
  await confirm("forget", "Close the books of gw1?", "gw1");
  await browser.until(`${text}.includes("2 lanes were closed.") || !${text}.includes("gw1")`, 30_000);
  // A book that is closed keeps its place, under a name that no agent has.
  const { lanes } = await central.get<{ lanes: readonly { readonly epoch: string }[] }>("/api/v1/ledger");
  expect(lanes.map(({ epoch }) => epoch.replace(/~\d+$/, "~"))).toEqual(["e1~", "e1~"]);
}, 60_000);

test("names of any length stay inside a phone, in lists, forms and questions", async () => {
  const long = "x".repeat(120);
  await on.producer.send(1);
  await central.ask("DELETE", `/api/v1/vehicles?vehicle=${long}`);
  await central.ask("PUT", `/api/v1/quarantine/${long}`);
  await central.ask("POST", "/api/v1/redrives", { reason: long, vehicle: long, topic: long });
  const into = { kind: "topic", topic: long };
  // It has nothing to write, and is soon done; the other one goes on for as long as it is looked at.
  await central.ask("POST", "/api/v1/replays", { vehicle: long, into });
  const { id } = await central.ask<{ id: number }>("POST", "/api/v1/replays", { into, recordsPerSecondMax: 1 });
  await go("replays");
  await says(`#${id} running`);
  await keep("long-replays");
  await browser.click(button("cancel"));
  await browser.until(`document.querySelector("dialog")?.open`);
  await keep("long-question");
  await browser.click(button("cancel", "dialog"));
  await go("erased");
  await says(long);
  await keep("long-erased");
  await go("agents");
  await says(long);
  await keep("long-agents");
  await go("put-aside");
  await says(`of ${long}`);
  await browser.write(named("vehicle"), long);
  await browser.press("Enter");
  await says("Nothing that was put aside is of these.");
  await keep("long-dead-letters");
}, 90_000);

test("nothing of it was against the page's own policy", () => {
  expect(browser.errors).toEqual([]);
});
