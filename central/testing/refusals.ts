import { expect, test } from "bun:test";
import { TestApi } from "./api.ts";
import { testRecord } from "./records.ts";

/** Tests that a route refuses each of these paths with 400 and a word that helps whoever asked. */
export function testRefusals(refusals: readonly (readonly [path: string, word: string])[]): void {
  test.each(refusals.map(([path, word]) => [path, word] as const))(
    "refuses %s with a word that helps",
    async (path, word) => {
      await using api = new TestApi();
      await api.put([testRecord({ offset: 0 })]);
      const response = await api.request(path);
      expect(response.status).toBe(400);
      const detail = expect.stringContaining(word);
      expect(await response.json()).toMatchObject({ code: "CENTRAL_BAD_REQUEST", detail });
    },
  );
}
