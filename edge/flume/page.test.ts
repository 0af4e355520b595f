import { expect, test } from "bun:test";
import { z } from "zod";
import { defineSink } from "../core/define.ts";
import { asText } from "../core/flume-mapping.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { renderFlumePage } from "./page.ts";

const sink = defineSink({
  type: "ours",
  summary: "A sink.",
  stability: "stable",
  config: () => z.strictObject({ where: z.string() }),
  example: { where: "x" },
  flume: () => [
    {
      names: ["logger", "org.apache.flume.sink.LoggerSink"],
      keys: {
        place: { to: "where", as: asText },
        batch: { nothing: "there are none" },
        format: { refused: "others are not carried", unless: ["text"] },
      },
      start: { where: "here" },
      differences: ["It is ours."],
    },
  ],
  create: () => {
    throw new Error("nothing is made for a page");
  },
});

test("the page says what becomes of every key, and what is not carried", async () => {
  const page = await renderFlumePage({ ...fakeRegistry, sinks: [sink] });
  expect(page).toContain("### logger → `ours`");
  expect(page).toContain("| `place` | `where` |");
  expect(page).toContain("| `batch` | means nothing: there are none |");
  expect(page).toContain("| `format` | refused: others are not carried (except `text`) |");
  expect(page).toContain("`where: here`");
  expect(page).toContain("- It is ours.");
  expect(page).toContain("- `hdfs`");
  expect(page).not.toContain("- `logger`");
});
