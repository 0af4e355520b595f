import { describe, expect, test } from "bun:test";
import { EventView } from "../../core/event-view.ts";
import { configSchema } from "./config.ts";
import definition from "./index.ts";
import { layoutOf } from "./layout.ts";

const base = { brokers: ["127.0.0.1:9092"], topic: "driving" };

function issuesOf(changes: Record<string, unknown>): string[] {
  const parsed = configSchema().safeParse({ ...base, ...changes });
  return parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
}

test("the example is valid, and defaults are filled in", () => {
  const reading = definition.read(definition.example);
  expect(reading.ok).toBe(true);
  expect(configSchema().parse(base)).toMatchObject({
    partition: "agent",
    partitionsDefault: 1,
    requestTimeout: 30_000,
    connectTimeout: 10_000,
    producerIdExpiration: 86_400_000,
  });
});

test("brokers may stand in one text, as they do in an environment variable", () => {
  expect(configSchema().parse({ ...base, brokers: ["a:1, b:2", "[::1]:3"] }).brokers).toEqual([
    "a:1",
    "b:2",
    "[::1]:3",
  ]);
});

test.each([
  [{ brokers: ["kafka-1"] }, 'brokers.0: "kafka-1" is not a broker'],
  [{ brokers: ["kafka-1:99999"] }, 'brokers.0: "kafka-1:99999" is not a broker'],
  [{ brokers: [] }, "brokers: name at least one broker"],
  [{ topic: "a b" }, 'topic: "a b" is not a topic'],
  [{ topic: ".." }, 'topic: ".." is not a topic'],
  [{ topic: "x".repeat(250) }, "is not a topic"],
  [{ topic: "v-%{}", topicDefault: "v" }, "%{} names no header"],
  [{ topic: "v-%{kind}" }, "topicDefault: missing"],
  [{ topic: "v-%{kind}", topicDefault: "a/b" }, "topicDefault: not a topic name"],
  [{ partition: "random" }, "partition: "],
  [{ tls: { cert: "-----BEGIN CERTIFICATE-----" } }, "tls: cert and key go together"],
  [{ tls: { cert: "-----BEGIN CERTIFICATE-----", key: "no key" } }, "tls.cert: not a certificate that can be read"],
  [{ tls: { ca: "/etc/ca.pem" } }, "not a PEM text; to name a file, write { file: path }"],
  [{ sasl: { mechanism: "gssapi", username: "u", password: "p" } }, "sasl.mechanism: "],
  [{ requestTimeout: "5" }, "requestTimeout: "],
  [{ bytesPerSecondMax: "1M" }, "bytesPerSecondMax: "],
  [{ borkers: [] }, "borkers"],
])("refuses %p", (changes, message) => {
  expect(issuesOf(changes).join("\n")).toContain(message);
});

test("the password and the key are marked as secrets", () => {
  const shown = JSON.stringify(configSchema().toJSONSchema({ io: "input" }));
  expect(shown.match(/"secret":true/g)?.length).toBeGreaterThanOrEqual(3);
});

describe("layout", () => {
  const view = new EventView();

  test("a plain topic is asked for once", () => {
    expect(layoutOf(configSchema().parse(base)).groupFixed).toBe("driving");
  });

  test("a header picks the topic; without it the default takes it; one that makes no legal name is refused", () => {
    const layout = layoutOf(configSchema().parse({ ...base, topic: "v-%{kind}.%{site}", topicDefault: "rest" }));
    const topicOf = (headers: Record<string, string>) => {
      view.reset(Buffer.alloc(0), 0, 0, 0);
      for (const [name, value] of Object.entries(headers)) view.setHeader(name, value);
      return layout.group(view);
    };
    expect(layout.groupFixed).toBeUndefined();
    expect(topicOf({ kind: "truck", site: "sh" })).toBe("v-truck.sh");
    expect(topicOf({ kind: "truck" })).toBe("rest");
    expect(topicOf({ kind: "a/b", site: "sh" })).toBeUndefined();
    expect(topicOf({ kind: "x".repeat(300), site: "sh" })).toBeUndefined();
  });
});
