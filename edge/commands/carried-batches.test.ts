/** What a config may put in the way of batches that go on as they came. */
import { expect, test } from "bun:test";
import { parseConfig } from "../config/load-config.ts";
import { registry } from "../registry.gen.ts";

interface Parts {
  readonly source?: object;
  readonly channel?: object;
  readonly sink?: object;
}

function problems({ source = {}, channel = {}, sink = {} }: Parts): readonly string[] {
  const config = {
    agent: "agg",
    dataDir: "/var/lib/tailgate",
    sources: { agents: { type: "relay", channels: "main", ...source } },
    channels: { main: { type: "sqlite", ...channel } },
    sinks: { out: { type: "kafka", channel: "main", brokers: ["127.0.0.1:9092"], topic: "driving", ...sink } },
  };
  const loaded = parseConfig("tailgate.yaml", JSON.stringify(config), registry, {});
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message);
}

const interceptors = [{ type: "host" }];
const selector = { type: "multiplexing", header: "area", mapping: { north: ["main"] } };
const kafka = { type: "kafka", brokers: ["127.0.0.1:9092"], topic: "as-a-channel" };
const inTheWay: readonly (readonly [what: string, parts: Parts, why: string])[] = [
  ["an interceptor", { source: { interceptors } }, "an interceptor sees single events"],
  ["a selector", { source: { selector } }, "a selector looks at single events"],
  [
    "a channel that sheds",
    { channel: { full: "drop_oldest" } },
    'channel "main" sheds what others count on (`full: drop_oldest`)',
  ],
  ["a channel that sheds by age", { channel: { ttl: "1h" } }, 'channel "main" sheds what others count on (`ttl`)'],
  ["a topic as channel", { channel: kafka }, 'channel "main" stores each event as a record of its own'],
  [
    "a topic by header",
    { sink: { topic: "t-%{area}", topicDefault: "t" } },
    'sink "out" looks at each event for where it goes (topic t-%{area} by agent); of a batch only %{agent} and %{stream} are known',
  ],
  ["Flume's form of events", { sink: { useFlumeEventFormat: true } }, 'sink "out" writes events in another form'],
];

test.each(inTheWay)("%s is refused", (_, parts, why) => {
  expect(problems(parts)).toEqual([`takes batches as they came, and ${why}`]);
});

test.each(inTheWay)("%s does not hinder a source that opens them", (_, { source, ...parts }) => {
  const found = problems({ ...parts, source: { ...source, take: "events" } });
  expect(found.filter((message) => message.includes("takes batches"))).toEqual([]);
});

test("a plain aggregator is right", () => {
  expect(problems({})).toEqual([]);
  expect(problems({ sink: { topic: "%{stream}-of-%{agent}", topicDefault: "rest" } })).toEqual([]);
});
