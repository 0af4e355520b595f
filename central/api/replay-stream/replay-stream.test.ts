import { expect, test } from "bun:test";
import type { LivePart } from "../../replay/live-replay.ts";
import type { LiveDefinition, LiveReplay, LiveReplays } from "../../replay/live-source.ts";
import { noCounts } from "../../store/replay-port.ts";
import { TestApi } from "../../testing/api.ts";
import { noonMs, slicesOf, testRecord } from "../../testing/records.ts";
import { testRefusals } from "../../testing/refusals.ts";

const at = { topic: "drive", partition: 0 };
const recordsOf = (vehicles: readonly string[]): LivePart => {
  const records = vehicles.flatMap((vehicle, offset) =>
    slicesOf([testRecord({ offset, vehicle, timeMs: noonMs + offset })]).map((slice) => ({
      at,
      record: { slice, index: 0, timeMs: noonMs + offset, offset },
    })),
  );
  return { kind: "records", records };
};

/** Replays of some parts; the last one hangs until nobody reads any more when it is told to. */
class Source implements LiveReplays {
  readonly asked: LiveDefinition[] = [];
  readonly signals: AbortSignal[] = [];

  constructor(
    private readonly parts: readonly LivePart[],
    private readonly hangs = false,
  ) {}

  async open(definition: LiveDefinition, signal: AbortSignal): Promise<LiveReplay> {
    this.asked.push(definition);
    this.signals.push(signal);
    const partitions = [{ ...at, first: 0, next: 0, until: 3, counts: noCounts }];
    const gone = [{ ...at, firstOffset: 0, lastOffset: 1, certain: true }];
    return { range: { partitions, gone, notes: ["a note"] }, parts: this.hand(signal) };
  }

  private async *hand(signal: AbortSignal): AsyncGenerator<LivePart> {
    yield* this.parts;
    if (this.hangs) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
}

const linesOf = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const done: LivePart = { kind: "done", done: 3, total: 3, timeMs: noonMs + 2 };

test("a line a record, words about it between them, and the last one says that it is whole", async () => {
  const liveReplays = new Source([recordsOf(["car-1", "car-2"]), { kind: "waits", words: "Kafka" }, done]);
  await using api = new TestApi({ liveReplays });
  await api.put([testRecord({ offset: 0 })]);
  const answer = await api.request(`/api/v1/replays/stream?vehicle=car-1&stream=drive&from=${noonMs}&speed=100`);
  expect([answer.status, answer.headers.get("Content-Type")]).toEqual([200, "application/x-ndjson; charset=utf-8"]);
  expect(linesOf(await answer.text())).toEqual([
    { replay: { kind: "begins", partitions: [{ ...at, next: 0, until: 3 }] } },
    { replay: { kind: "gone", ...at, firstOffset: 0, lastOffset: 1, certain: true } },
    { replay: { kind: "note", words: "a note" } },
    expect.objectContaining({ timeMs: noonMs, vehicle: "car-1", offset: 0, value: "value 0" }),
    expect.objectContaining({ timeMs: noonMs + 1, vehicle: "car-2", identity: expect.objectContaining({ seq: 1 }) }),
    { replay: { kind: "waits", words: "Kafka" } },
    { replay: { ...done, records: 2, suppressed: 0 } },
  ]);
  expect(liveReplays.asked).toEqual([
    { topics: ["drive"], from: { timeMs: noonMs }, to: undefined, vehicle: "car-1", stream: "drive", speed: 100 },
  ]);
});

test("erased vehicles are not in it, though Kafka still has them", async () => {
  await using api = new TestApi({ liveReplays: new Source([recordsOf(["car-1", "car-2", "car-1"]), done]) });
  await api.put([testRecord({ offset: 0 })]);
  while (!(await api.store.replays.erase("car-1", "somebody")).done);
  const lines = linesOf(await (await api.request("/api/v1/replays/stream?speed=max")).text());
  expect(lines.flatMap(({ vehicle }) => vehicle ?? [])).toEqual(["car-2"]);
  expect(lines.at(-1)).toMatchObject({ replay: { kind: "done", records: 1, suppressed: 2 } });
});

test("so many at once and no more; who goes away ends it and makes room", async () => {
  const liveReplays = new Source([recordsOf(["car-1"])], true);
  await using api = new TestApi({ liveReplays });
  await api.put([testRecord({ offset: 0 })]);
  const ask = () => api.request("/api/v1/replays/stream");
  const open = await Promise.all(Array.from({ length: 4 }, ask));
  const refused = await ask();
  expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "5"]);
  const reader = open[0]?.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  expect(liveReplays.signals[0]?.aborted).toBe(true);
  const next = await ask();
  expect(next.status).toBe(200);
  for (const one of [...open.slice(1), next]) await one.body?.cancel();
});

test("a topic that is not stored here is none to replay, and without Kafka there is nothing", async () => {
  await using api = new TestApi({ liveReplays: new Source([]) });
  await api.put([testRecord({ offset: 0 })]);
  const said = async (path: string) => {
    const answer = await api.request(path);
    return [answer.status, Object(await answer.json()).code];
  };
  expect(await said("/api/v1/replays/stream?topic=secrets")).toEqual([404, "CENTRAL_REPLAY_TOPIC"]);
  await using without = new TestApi();
  expect((await without.request("/api/v1/replays/stream")).status).toBe(409);
});

testRefusals([
  ["/api/v1/replays/stream?speed=fast", "write a number"],
  ["/api/v1/replays/stream?speed=0", "write a number"],
  ["/api/v1/replays/stream?speed=10001", "write a number"],
  ["/api/v1/replays/stream?from=yesterday", "milliseconds since 1970"],
  ["/api/v1/replays/stream?from=1764152400001&to=1764152400000", "`from` is not before `to`"],
]);
