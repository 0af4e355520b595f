import { expect, test } from "bun:test";
import type { OffsetQuestion } from "../../shared/kafka/messages/list-offsets.ts";
import { type RangeSource, resolveRange } from "./resolve.ts";

/** A topic of two partitions whose logs hold offsets 100 to 199. */
const source: RangeSource = {
  partitions: async (topic) => (topic === "gone" ? undefined : 2),
  offset: async (_, question: OffsetQuestion) => {
    if (question === "start") return 100;
    if (question === "end") return 200;
    return question.timeMs > 5_000 ? undefined : question.timeMs <= 1_000 ? 100 : 150;
  },
};
const base = { recordsPerSecondMax: 1, into: { kind: "store" } } as const;
const everything = { topics: ["drive"], storedUpTo: undefined };
const at = { topic: "drive", partition: 0 };

test("by offset: what the log does not hold any more is told, exactly", async () => {
  const from = async (offset: number, to: number) =>
    await resolveRange({ ...base, partitions: [0], from: { offset }, to: { offset: to } }, source, everything);
  expect(await from(120, 130)).toMatchObject({ partitions: [{ ...at, first: 120, next: 120, until: 130 }], gone: [] });
  expect(await from(60, 130)).toMatchObject({
    partitions: [{ first: 100, until: 130 }],
    gone: [{ ...at, firstOffset: 60, lastOffset: 99, certain: true }],
  });
  expect(await from(60, 70)).toMatchObject({
    partitions: [{ first: 70, until: 70 }],
    gone: [{ firstOffset: 60, lastOffset: 69 }],
  });
  expect(await from(190, 500)).toMatchObject({
    partitions: [{ first: 190, until: 200 }],
    gone: [],
    notes: ["drive-0 is committed up to offset 200: what comes after was not there yet."],
  });
});

test("from the start means offset 0, and all partitions", async () => {
  const { partitions, gone } = await resolveRange(base, source, everything);
  expect(partitions).toMatchObject([
    { partition: 0, first: 100, until: 200 },
    { partition: 1, first: 100, until: 200 },
  ]);
  expect(gone).toMatchObject([
    { partition: 0, firstOffset: 0, lastOffset: 99 },
    { partition: 1, firstOffset: 0, lastOffset: 99 },
  ]);
});

test("by time: it ends at the log's end, since late records may stand anywhere; what is gone is perhaps of that time", async () => {
  const from = async (timeMs: number) =>
    await resolveRange({ ...base, partitions: [0], from: { timeMs }, to: { timeMs: 9_000 } }, source, everything);
  expect(await from(3_000)).toMatchObject({ partitions: [{ first: 150, until: 200 }], gone: [] });
  expect(await from(500)).toMatchObject({
    partitions: [{ first: 100, until: 200 }],
    gone: [{ firstOffset: 0, lastOffset: 99, certain: false }],
  });
  expect(await from(6_000)).toMatchObject({ partitions: [{ first: 200, until: 200 }], gone: [] });
});

test("into the store it ends where the store is: the rest is the consumer's", async () => {
  const storedUpTo = async ({ partition }: { readonly partition: number }) => (partition === 0 ? 140 : undefined);
  const { partitions, notes } = await resolveRange(base, source, { topics: ["drive", "gone"], storedUpTo });
  expect(partitions).toMatchObject([{ ...at, first: 100, until: 140 }]);
  expect(notes).toEqual([
    "drive-0 is stored up to offset 140: from there on the consumer reads it by itself.",
    "Nothing of drive-1 was ever stored: the consumer reads it from its start by itself.",
    "There is no topic gone.",
  ]);
});
