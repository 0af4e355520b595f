/** What every store promises of positions: which topic they belong to, and how another one of its name begins. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lastMark } from "../../records/record-slices.ts";
import type { Append, Position, TopicMadeAnew } from "../../store/store.ts";
import { slicesOf, testRecord } from "../records.ts";
import type { OpenStore, StoreUnderTest } from "./store.contract.ts";

/** Runs the suite. */
export function positionsContract(name: string, open: OpenStore): void {
  describe(`positions contract: ${name}`, () => {
    const at = { topic: "drive", partition: 0 };
    let under: StoreUnderTest;

    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      await under[Symbol.asyncDispose]();
    });

    async function put(from: number, to: number, seen: Position | undefined, more: Partial<Append> = {}) {
      const slices = slicesOf(Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index })));
      const rest = { dead: [], damaged: [], gap: undefined, ...more };
      return await under.store.append({ ...at, seen, next: to, before: lastMark(slices), records: slices, ...rest });
    }

    const anew = (seen: Position, topicId?: string): TopicMadeAnew => ({
      ...at,
      seen,
      gap: { kind: "recreated", firstOffset: seen.next, lastOffset: undefined },
      next: 0,
      topicId,
    });

    test("begins anew with a topic of the same name: a gap, a new position, the old rows kept", async () => {
      const { position } = await put(0, 4, undefined);
      const fresh = await under.store.startOver(anew(position));
      expect(fresh).toMatchObject({ next: 0, before: undefined, generation: 1 });
      await expect(put(4, 5, position)).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
      await expect(under.store.startOver(anew(position))).rejects.toMatchObject({ code: "CENTRAL_STORE_FENCED" });
      expect(await put(0, 5, fresh)).toMatchObject({ stored: 1, repeated: 4 });
      expect((await under.reader.totals()).stored).toBe(5);
      expect((await under.reader.gaps({ afterId: 0, limit: 10 })).length).toBe(1);
      expect((await under.reader.positions()).map(({ generation, next }) => [generation, next])).toEqual([[1, 5]]);
    });

    test("keeps the topic's id with the first append that names one, and lets no later one change it", async () => {
      const first = await put(0, 2, undefined);
      expect(first.position.topicId).toBeUndefined();
      const second = await put(2, 4, first.position, { topicId: "one" });
      const third = await put(4, 6, second.position, { topicId: "two" });
      expect(third.position).toMatchObject({ next: 6, topicId: "one", formerTopicIds: [] });
      expect(await under.store.position(at)).toEqual(third.position);
    });

    test("an append of nothing can still tell the id", async () => {
      const first = await put(0, 2, undefined);
      const { position } = await put(2, 2, first.position, { topicId: "one" });
      expect(position).toMatchObject({ next: 2, before: first.position.before, topicId: "one" });
      expect(await under.store.position(at)).toEqual(position);
    });

    test("remembers the ids of the topics before, for whoever names one of them again", async () => {
      let { position } = await put(0, 2, undefined, { topicId: "one" });
      for (const topicId of ["two", "three", "three"]) {
        position = await under.store.startOver(anew(position, topicId));
        expect(await under.store.position(at)).toEqual(position);
        ({ position } = await put(0, 2, position));
      }
      expect(position).toMatchObject({ generation: 3, topicId: "three" });
      expect([...position.formerTopicIds].sort()).toEqual(["one", "three", "two"]);
    });
  });
}
