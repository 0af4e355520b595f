import { expect, test } from "bun:test";
import { mkdirSync, renameSync, rmdirSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { TestApi } from "../../testing/api.ts";
import { testRecord } from "../../testing/records.ts";
import { Subscriber } from "./subscriber.ts";

const range = (from: number, to: number, vehicle = "car-1") =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index, vehicle }));

interface Message {
  readonly type: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
}

/** A client that reads what comes, as a browser's would. */
async function follow(api: TestApi, query = "", lastEventId?: string) {
  const answer = await api.request(
    `/api/v1/events/stream${query}`,
    lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId },
  );
  const messages: Message[] = [];
  let text = "";
  let over = false;
  const reader = answer.body?.getReader();
  const reading = (async () => {
    for (;;) {
      const part = await reader?.read();
      if (part === undefined || part.done) break;
      text += new TextDecoder().decode(part.value);
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) messages.push(...read(block));
    }
    over = true;
  })();
  const end = async () => {
    await reader?.cancel();
    await reading;
  };
  return { answer, messages, isOver: () => over, [Symbol.asyncDispose]: end };
}

function read(block: string): Message[] {
  const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line]));
  const value = (name: string) => fields.get(name)?.slice(name.length + 2);
  const data = value("data");
  const id = value("id");
  return data === undefined ? [] : [{ type: value("event") ?? "message", id, data: JSON.parse(data) }];
}

const offsets = (messages: readonly Message[]) =>
  messages.filter(({ type }) => type === "message").map(({ data }) => data.offset);

test("hands out what is stored from now on, as events, and with a filter what passes it", async () => {
  await using api = new TestApi();
  await api.put(range(0, 3));
  await using all = await follow(api);
  await using one = await follow(api, "?vehicle=car-2");
  expect(all.answer.headers.get("Content-Type")).toStartWith("text/event-stream");
  await until(
    "ready",
    () => all.messages,
    ([first]) => first?.type === "ready",
  );
  await api.put([...range(3, 5), ...range(5, 6, "car-2")]);
  await until(
    "three events",
    () => offsets(all.messages),
    (found) => found.length === 3,
  );
  expect(all.messages.at(-3)?.data).toMatchObject({ vehicle: "car-1", stream: "drive", value: "value 3" });
  await until(
    "one event",
    () => offsets(one.messages),
    (found) => found.length === 1,
  );
  expect(one.messages.at(-1)?.data).toMatchObject({ vehicle: "car-2", offset: 5 });
});

test("goes on after the last event that a client has seen, in another central on the same store", async () => {
  using dir = tempDir();
  const path = dir.file("central.db");
  await using api = new TestApi({ path });
  await api.put(range(0, 3));
  let seen: string | undefined;
  {
    await using first = await follow(api);
    await until(
      "ready",
      () => first.messages.length,
      (count) => count > 0,
    );
    await api.put(range(3, 9));
    await until(
      "six events",
      () => offsets(first.messages),
      (found) => found.length === 6,
    );
    seen = first.messages.find(({ data }) => data.offset === 5)?.id;
  }
  await api.put(range(9, 200));
  api.store.fold();
  await using other = new TestApi({ path });
  await using second = await follow(other, "", seen);
  await until(
    "the rest",
    () => offsets(second.messages),
    (found) => found.length === 194,
  );
  expect(offsets(second.messages)).toEqual(Array.from({ length: 194 }, (_, index) => index + 6));
});

test.each(["nonsense", ""])("an id that nobody knows (%j) is no error that ends the stream", async (id) => {
  await using api = new TestApi();
  await api.put(range(0, 3));
  await using client = await follow(api, "", id);
  await until(
    "the first word",
    () => client.messages,
    ([first]) => first?.type === "ready",
  );
  if (id !== "")
    await until(
      "lost",
      () => client.messages,
      (found) => found.some(({ type }) => type === "lost"),
    );
  await api.put(range(3, 4));
  await until(
    "an event",
    () => offsets(client.messages),
    (found) => found.length === 1,
  );
});

test("more than the client wants in a second is counted, and said", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  await using client = await follow(api, "?perSecondMax=5");
  await until(
    "ready",
    () => client.messages.length,
    (count) => count > 0,
  );
  await api.put(range(1, 101));
  await until(
    "skipped",
    () => client.messages,
    (found) => found.some(({ type }) => type === "skipped"),
  );
  expect(offsets(client.messages)).toEqual([1, 2, 3, 4, 5]);
  expect(client.messages.at(-1)).toMatchObject({ type: "skipped", data: { events: 95 } });
});

test("so many at once and no more; whoever leaves makes room", async () => {
  await using api = new TestApi();
  await api.put(range(0, 1));
  const open = await Promise.all(Array.from({ length: 64 }, () => follow(api)));
  const refused = await api.request("/api/v1/events/stream");
  expect(refused.status).toBe(429);
  expect(await refused.json()).toMatchObject({ code: "CENTRAL_TOO_MANY_SUBSCRIBERS" });
  for (const each of open) await each[Symbol.asyncDispose]();
  await using again = await follow(api);
  expect(again.answer.status).toBe(200);
});

test("a store that is away is a problem", async () => {
  await using api = new TestApi();
  expect((await api.request("/api/v1/events/stream")).status).toBe(503);
});

test("a client that takes too little is told so in place of what waits, and the stream ends", async () => {
  const subscriber = new Subscriber({ vehicle: undefined, stream: undefined, perSecondMax: 1 });
  const word = () => Buffer.from("the last word");
  const part = Buffer.alloc(100_000, "x");
  let pushed = 0;
  while (subscriber.push(part, word)) pushed++;
  expect(pushed).toBe(10);
  const got: string[] = [];
  for await (const each of subscriber.parts()) got.push(Buffer.from(each).toString());
  expect(got).toEqual(["the last word"]);
});

test("a folder in the store's place is told to who follows, and what is stored after it was put back comes", async () => {
  using dir = tempDir();
  const path = dir.file("central.db");
  const ends = ["", "-wal", "-shm"];
  await using api = new TestApi({ path });
  await api.put(range(0, 3));
  await using all = await follow(api);
  for (const end of ends) renameSync(`${path}${end}`, dir.file(`aside${end}`));
  mkdirSync(path);
  const store = () => all.messages.filter(({ type }) => type === "store").map(({ data }) => data);
  await until("the store is told away", () => store().length === 1);
  rmdirSync(path);
  for (const end of ends) renameSync(dir.file(`aside${end}`), `${path}${end}`);
  await until("the store is told back", () => store().length === 2);
  await api.put(range(3, 5));
  await until("the new events come", () => offsets(all.messages).length === 2);
  expect(offsets(all.messages)).toEqual([3, 4]);
});
