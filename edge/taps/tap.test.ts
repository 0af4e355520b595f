import { expect, test } from "bun:test";
import { visible } from "../../shared/telemetry/visible.ts";
import { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";
import type { Selector } from "../core/selector.ts";
import { makeBatch } from "../testing/contracts/batches.ts";
import { Tap, type TapOptions } from "./tap.ts";
import { Taps, tappedLinks } from "./taps.ts";

/** A tap whose clock the test moves. */
function tapAt(changes: Partial<TapOptions> = {}) {
  const clock = { ms: 0 };
  const point = { kind: "source", stream: "s" } as const;
  const tap = new Tap({ point, eventsPerSecond: 10, bodyBytesMax: 512, nowMs: () => clock.ms, ...changes });
  return { tap, clock };
}

function viewOf(text: string): EventView {
  const view = new EventView();
  const bytes = Buffer.from(text);
  view.reset(bytes, 0, bytes.length, 0);
  return view;
}

/** The next part, as text. */
async function next(parts: AsyncGenerator<Uint8Array>): Promise<string> {
  const { value } = await parts.next();
  return Buffer.from(value ?? []).toString("utf8");
}

const lines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

/** What it says it has counted. */
async function counts(parts: AsyncGenerator<Uint8Array>) {
  for (;;) {
    const found = lines(await next(parts)).find(({ kind }) => kind === "counts");
    if (found !== undefined) return found;
  }
}

test("what is sampled is a line of JSON: body, key, headers, time, and what an interceptor said", async () => {
  const { tap } = tapAt();
  const parts = tap.parts();
  expect(lines(await next(parts))).toEqual([{ kind: "counts", seen: 0, skipped: 0, lost: 0 }]);
  const view = viewOf("a line");
  view.key = "car-1";
  view.setHeader("kind", "alarm");
  tap.offer(view, false);
  expect(lines(await next(parts))).toEqual([
    {
      kind: "event",
      kept: false,
      time: "1970-01-01T00:00:00.000Z",
      key: "car-1",
      headers: { kind: "alarm" },
      body: "a line",
      bytes: 6,
    },
  ]);
  tap.leave();
});

test("at most so many a second, cut to so many bytes; what is beyond is counted", async () => {
  const { tap, clock } = tapAt({ bodyBytesMax: 4 });
  const parts = tap.parts();
  await next(parts);
  for (let event = 0; event < 100; event++) tap.offer(viewOf("0123456789"), undefined);
  clock.ms = 500;
  for (let event = 0; event < 100; event++) tap.offer(viewOf("0123456789"), undefined);
  const sampled = lines(await next(parts));
  expect(sampled).toHaveLength(15);
  expect(sampled[0]).toMatchObject({ body: "0123", bytes: 10, cut: true });
  expect(await counts(parts)).toEqual({ kind: "counts", seen: 200, skipped: 185, lost: 0 });
  tap.leave();
});

test("what a terminal would act on is neutral, and JSON reads it as it was", async () => {
  const { tap } = tapAt();
  const parts = tap.parts();
  await next(parts);
  const body = "\u001b]0;owned\u0007 \u009b31m \u202etxt.exe \u2028 \u007f";
  tap.offer(viewOf(body), undefined);
  const text = await next(parts);
  expect(visible(text, true)).toBe(text);
  expect(lines(text)[0]?.body).toBe(body);
  tap.leave();
});

test("a reader that takes nothing loses samples and is told how many; what waits for it is bounded", async () => {
  const { tap, clock } = tapAt({ eventsPerSecond: 1_000, bodyBytesMax: 8_192 });
  const parts = tap.parts();
  await next(parts);
  const view = viewOf("x".repeat(8_192));
  for (let event = 0; event < 1_000; event++) tap.offer(view, undefined);
  clock.ms = 1;
  const taken = await next(parts);
  expect(taken.length).toBeLessThanOrEqual(256 * 1024);
  const { seen, lost } = await counts(parts);
  expect(seen).toBe(1_000);
  expect(lost).toBe(1_000 - lines(taken).length);
  expect(lost).toBeGreaterThan(900);
  tap.leave();
});

test("of a lane each event has its place and number; at most two batches a second are decoded", async () => {
  const { tap } = tapAt({ point: { kind: "lane", stream: "s", lane: 0, channel: undefined } });
  const parts = tap.parts();
  await next(parts);
  const lane = { id: 1, channel: "main", stream: "s", epoch: "e", number: 0, group: "t", part: undefined };
  const batch = { id: 1, ...makeBatch(lane, 40, 2) };
  tap.offerBatch(batch);
  expect(lines(await next(parts))).toMatchObject([
    { kind: "event", channel: "main", lane: 0, epoch: "e", seq: 40, bytes: 150 },
    { seq: 41, bytes: 150 },
  ]);
  for (let again = 0; again < 9; again++) tap.offerBatch(batch);
  tap.offerBatch({ ...batch, bytes: Buffer.alloc(10) });
  expect(await counts(parts)).toEqual({ kind: "counts", seen: 22, skipped: 18, lost: 0 });
  tap.leave();
});

test("nobody looks: events pass through the links themselves; somebody does, and each is looked at once", () => {
  const seen: string[] = [];
  const interceptor: Interceptor = { intercept: () => seen.push("first") > 0 };
  const dropping: Interceptor = { intercept: () => false };
  const selector: Selector = { select: () => [0] };
  const links = { names: ["first", "drop"], interceptors: [interceptor, dropping], selector };
  const taps = new Taps();
  expect(tappedLinks(links, taps.ofChain("s"))).toBe(links);

  const { tap: source } = tapAt();
  const { tap: drop } = tapAt({ point: { kind: "interceptor", stream: "s", interceptor: "drop" } });
  const { tap: other } = tapAt({ point: { kind: "source", stream: "other" } });
  for (const tap of [source, drop, other]) expect(taps.add(tap)).toBe(true);
  const tapped = tappedLinks(links, taps.ofChain("s"));
  const offered: string[] = [];
  source.offer = () => void offered.push(`source ${seen.length}`);
  drop.offer = (_view, kept) => void offered.push(`drop ${kept}`);
  const answers = tapped.interceptors.map((each) => each.intercept(viewOf("x")));
  expect(answers).toEqual([true, false]);
  expect(offered).toEqual(["source 0", "drop false"]);

  const bare = tappedLinks({ names: [], interceptors: [], selector }, taps.ofChain("s"));
  expect(bare.selector.select(viewOf("x"))).toEqual([0]);
  expect(offered).toHaveLength(3);
  for (const tap of [source, drop, other]) taps.remove(tap);
  expect(tappedLinks(links, taps.ofChain("s"))).toBe(links);
});

test("no more than four look at once", () => {
  const taps = new Taps();
  const five = Array.from({ length: 5 }, () => taps.add(tapAt().tap));
  expect(five).toEqual([true, true, true, true, false]);
});
