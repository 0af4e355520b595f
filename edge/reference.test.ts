import { expect, test } from "bun:test";
import { renderConfigSchema, renderReference } from "./reference.ts";
import { fakeRegistry } from "./testing/fakes/registry.ts";

test("the reference has every component with its keys, and every error with its hint", () => {
  const text = renderReference(fakeRegistry);
  for (const { type, summary } of Object.values(fakeRegistry).flat()) {
    expect(text).toContain(`### ${type}\n\n${summary}`);
  }
  expect(text).toContain('| `pollInterval` | duration | `"1s"` | How often to look. |');
  expect(text).toContain("| `sasl.password` | secret: text or `{ file: … }` | _required_ |");
  expect(text).toContain("| `EDGE_CHANNEL_LOCKED` | usage |");
});

test("the schema knows the keys of every component by its type, and what the engine reads beside them", () => {
  const schema: unknown = JSON.parse(renderConfigSchema(fakeRegistry));
  expect(schema).toMatchObject({
    required: ["agent", "dataDir", "sources", "channels", "sinks"],
    additionalProperties: false,
    properties: {
      sinks: {
        additionalProperties: {
          oneOf: [
            {
              properties: { type: { const: "kafka" }, topic: { type: "string" }, channel: { type: "string" } },
              required: ["type", "brokers", "topic", "channel"],
            },
            { properties: { type: { const: "null" } } },
          ],
        },
      },
    },
  });
});
