/** 700 records of a megabyte, asked for in every way at once: what the whole process takes, and whether others are heard. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { centralGround } from "./ground.ts";

const records = 700;
const valueBytes = 1_000_000;
/** Pages that each asker takes: enough for all of them to be there at once. */
const pagesMax = 20;
/** As much of the export as is taken. */
const exportedBytesMin = 300_000_000;
/** Of the whole process, with what it stored before; twice what was measured. */
const rssMax = 640 * 1024 * 1024;
/** How long the thread that answers may compute before it answers somebody else: nine times of ten, and ever. */
const silentMs90 = 200;
const silentMsMax = 1_000;

const Page = z.object({ events: z.array(z.object({ value: z.string().nullable() })), next: z.string().optional() });

let broker: Broker;
beforeAll(async () => {
  broker = await startBroker();
}, 120_000);
afterAll(() => broker[Symbol.asyncDispose]());

/** What the thread that answers has computed so far (proc_pid_stat(5)): what others take of a busy machine is not its fault. */
function computedOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, "utf8");
  // Fields 14 and 15, in hundredths of a second; what follows the name in parentheses begins with field 3.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The most that the process ever had resident. */
function rssPeakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
}

test("700 MB, asked for with limit=10000, without a limit and as exports, all at once: memory has a bound, and /livez answers", async () => {
  await using on = await centralGround(broker, 1);
  await on.producer.send(records, { valueBytes, vehicles: 1 });
  await using central = await on.start();
  await central.stored(records, 120_000);
  const { pid } = central.child;
  const computedMs = () => computedOf(pid);

  let over = false;
  const silentMs: number[] = [];
  const alive = async () => {
    while (!over) {
      const before = computedMs();
      expect((await fetch(`${central.url}/livez`)).status).toBe(200);
      silentMs.push(computedMs() - before);
      await Bun.sleep(5);
    }
  };
  const pages = async (query: string) => {
    let events = 0;
    let cursor = "";
    for (let page = 0; page < pagesMax; page++) {
      const answer = await fetch(`${central.url}/api/v1/events?vehicle=car-0${query}${cursor}`);
      const found = Page.parse(await answer.json());
      expect(found.events.every(({ value }) => value?.length === valueBytes)).toBe(true);
      events += found.events.length;
      if (found.next === undefined) break;
      cursor = `&cursor=${encodeURIComponent(found.next)}`;
    }
    return events;
  };
  const exported = async () => {
    const answer = await fetch(`${central.url}/api/v1/events?format=ndjson`);
    let bytes = 0;
    for await (const part of answer.body ?? []) {
      bytes += part.length;
      if (bytes > exportedBytesMin) break;
    }
    return bytes;
  };

  const living = alive();
  const asked = Promise.all([
    exported(),
    ...["&limit=10000", "&limit=10000&order=desc", "", "&order=desc"].map((query) => pages(query)),
  ]);
  const [exportedBytes = 0, ...events] = await asked.finally(() => {
    over = true;
  });
  await living;
  expect(exportedBytes).toBeGreaterThan(exportedBytesMin);
  // A page of some 4 MiB always goes on.
  for (const count of events) expect(count).toBeGreaterThanOrEqual(pagesMax);
  const sorted = silentMs.toSorted((a, b) => a - b);
  const most = sorted[Math.floor(sorted.length * 0.9)];
  const worst = sorted.at(-1);
  const rssPeakBytes = rssPeakOf(pid);
  console.log(
    `peak ${Math.round(rssPeakBytes / 1e6)} MB; /livez ${sorted.length} times, p90 ${most} ms, worst ${worst} ms`,
  );
  expect(sorted.length).toBeGreaterThan(20);
  expect(most).toBeLessThanOrEqual(silentMs90);
  expect(worst).toBeLessThanOrEqual(silentMsMax);
  expect(rssPeakBytes).toBeLessThan(rssMax);
}, 240_000);
