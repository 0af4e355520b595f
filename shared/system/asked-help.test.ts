import { expect, test } from "bun:test";
import { headComment } from "./asked-help.ts";

test("the comment that a script begins with is its help", () => {
  expect(headComment("/**\n * `npm run a`: b.\n *\n *     npm run a -- --c\n */\nimport")).toBe(
    "`npm run a`: b.\n\n    npm run a -- --c",
  );
});
