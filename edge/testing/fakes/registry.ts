import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { path } from "../../../shared/config/path.ts";
import { secret } from "../../../shared/config/secret.ts";
import type { Registry } from "../../config/agent-config.ts";
import { defineChannel, defineSink, defineSource } from "../../core/define.ts";
import { plainLayout } from "../../core/layout.ts";
import module from "../../interceptors/module.ts";
import regexExtractor from "../../interceptors/regex-extractor/index.ts";
import regexFilter from "../../interceptors/regex-filter.ts";
import multiplexing from "../../selectors/multiplexing.ts";
import replicating from "../../selectors/replicating.ts";
import failover from "../../sinks/failover.ts";

function neverMade(): never {
  throw new Error("a config's check makes no component");
}

const tail = defineSource({
  type: "tail",
  summary: "Follows files.",
  stability: "stable",
  config: () =>
    z.strictObject({
      paths: z.array(path()).min(1).meta({ description: "Patterns of files." }),
      start: z.enum(["beginning", "end"]).default("beginning").meta({ description: "Where to start." }),
      pollInterval: duration().prefault("1s").meta({ description: "How often to look." }),
      lines: z.number().optional().meta({ description: "A number." }),
    }),
  example: { paths: ["/var/log/*.log"] },
  create: neverMade,
});

const channelSettings = {
  capacity: byteSize({ min: 1 }).prefault("64MiB").meta({ description: "Bytes it may hold." }),
  batchBytes: byteSize().prefault("960KiB").meta({ description: "Bytes of a batch." }),
  ttl: duration().optional().meta({ description: "Age at which batches are shed." }),
};

const [sqlite, memory] = (["sqlite", "memory"] as const).map((type) =>
  defineChannel({
    type,
    summary: "Holds batches.",
    stability: "stable",
    config: () => z.strictObject(channelSettings),
    example: {},
    keeping: type === "sqlite" ? "store" : "memory",
    bounds: ({ capacity, batchBytes, ttl }) => ({
      settings: { compression: "zstd", identity: true, batchBytesMax: batchBytes },
      bytesMax: capacity,
      ttlMs: ttl,
    }),
    create: neverMade,
  }),
);

const kafka = defineSink({
  type: "kafka",
  summary: "Sends to Kafka.",
  stability: "stable",
  config: () =>
    z.strictObject({
      brokers: z.array(z.string()).min(1).meta({ description: "Where the brokers listen." }),
      topic: z.string().meta({ description: "The topic." }),
      partition: z.enum(["agent", "key"]).default("agent").meta({ description: "What picks the partition." }),
      sasl: z
        .strictObject({ user: z.string(), password: secret() })
        .optional()
        .meta({ description: "User and password." }),
    }),
  example: { brokers: ["127.0.0.1:9092"], topic: "driving" },
  layout: ({ topic, partition }) => ({
    ...plainLayout(topic),
    text: `topic ${topic} by ${partition}${partition === "key" ? "/1" : ""}`,
    groupFixed: topic.includes("%{") ? undefined : topic,
  }),
  create: neverMade,
});

const discard = defineSink({
  type: "null",
  summary: "Takes everything.",
  stability: "stable",
  config: () => z.strictObject({}),
  example: {},
  create: neverMade,
});

/** Components that can be configured and not made: for tests of what reads configs. */
export const fakeRegistry: Registry = {
  sources: [tail],
  interceptors: [regexFilter, regexExtractor, module],
  selectors: [replicating, multiplexing],
  channels: [sqlite, memory].filter((each) => each !== undefined),
  sinks: [kafka, discard, failover],
};
