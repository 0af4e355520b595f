import { expect, test } from "bun:test";
import { storeKindOf } from "./kinds.ts";

test("a path is a SQLite file, and a scheme that nobody knows is refused with those that are known", () => {
  expect(storeKindOf("/var/lib/tailgate/central.db").scheme).toBe("");
  expect(storeKindOf("central.db").scheme).toBe("");
  expect(() => storeKindOf("clay://tablet")).toThrow('there is no kind "clay"; `store` may be: a path');
});
