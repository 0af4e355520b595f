import { expect, test } from "bun:test";
import { streamed } from "./streamed.ts";

async function* partsOf(count: number): AsyncGenerator<Uint8Array> {
  for (let part = 0; part < count; part++) yield new Uint8Array([part]);
}

test("a client that takes all at once does not keep the others waiting until the end", async () => {
  const ends: string[] = [];
  const body = streamed({ parts: partsOf(500), stallMs: 10_000, ended: ({ kind }) => ends.push(kind) });
  let othersAt: number | undefined;
  let taken = 0;
  setTimeout(() => {
    othersAt = taken;
  }, 0);
  for await (const part of body) taken += part.length;
  expect(taken).toBe(500);
  expect(othersAt).toBeLessThan(500);
  expect(ends).toEqual(["whole"]);
});
