import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { codes } from "../shared/errors/codes.ts";
import { metricsOf } from "./metrics-reference.ts";
import { renderConfigSchema, renderReference } from "./reference.ts";
import { registry } from "./registry.gen.ts";
import { fakeRegistry } from "./testing/fakes/registry.ts";

test("the reference has every component with its keys, and every error with its hint", () => {
  const text = renderReference(fakeRegistry, [], Object.values(codes));
  for (const { type, summary } of Object.values(fakeRegistry).flat()) {
    expect(text).toContain(`### ${type}\n\n${summary}`);
  }
  expect(text).toContain('| `pollInterval` | duration | `"1s"` | How often to look. |');
  expect(text).toContain("| `sasl.password` | secret: text or `{ file: … }` | _required_ |");
  expect(text).toContain("| `CONFIG_INVALID` | usage |");
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
              // A member of a group has no channel of its own.
              required: ["type", "brokers", "topic"],
            },
            { properties: { type: { const: "null" } } },
            { properties: { type: { const: "failover" }, sinks: { type: "array" } } },
          ],
        },
      },
    },
  });
});

test("every metric that a source file names is on the page, with what it says and whose it is", async () => {
  const page = renderReference(registry, await metricsOf(registry), []);
  const named = new Set<string>();
  for (const path of new Bun.Glob("**/*.ts").scanSync(import.meta.dir)) {
    if (path.includes(".test.") || path.startsWith("testing/")) continue;
    const text = readFileSync(join(import.meta.dir, path), "utf8");
    const calls = /(?:(?:counter|observe|gather|declare|ofChannels)\(|metric:)\s*"(tailgate_[a-z_]+)"/g;
    for (const [, name] of text.matchAll(calls)) named.add(String(name));
  }
  expect(named.size).toBeGreaterThan(15);
  for (const name of named) expect(page).toContain(`| \`${name}\` | `);
  expect(page).toContain("| `tailgate_kafka_batches_sent_total` | counter | sink kafka | Record batches");
});
