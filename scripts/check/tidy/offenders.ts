/**
 * What broke a rule when the rule came, and is let be until it is mended. These lists may only shrink: an entry that has
 * nothing to excuse any more is a finding, and nothing is ever added.
 */

/** Imports against the arrows, by file. */
export const knownArrows: Readonly<Record<string, readonly string[]>> = {
  "central/api/api.ts": ["central/status.ts"],
  "central/api/client.ts": ["central/app.ts"],
  "central/config/access.ts": ["central/api/access.ts"],
  "central/config/schema.ts": ["central/api/access.ts"],
  "central/records/record-slices.ts": ["central/ingest/continuity.ts", "central/store/store.ts"],
  "central/store/sqlite/store.ts": ["central/consumer/consumer.ts"],
  "central/store/sqlite/writer-session.ts": ["central/consumer/consumer.ts"],
  "central/store/store.ts": ["central/consumer/consumer.ts"],
  "edge/engine/late-positions.test.ts": ["edge/channels/memory/memory-channel.ts"],
  "edge/engine/same-config.test.ts": ["edge/registry.gen.ts"],
  "edge/interceptors/interceptors.bench.ts": ["edge/interceptors/regex-extractor/index.ts"],
};

/** Circles of files, each named by one of them. */
export const knownCircles: Readonly<Record<string, string>> = {
  "central/api/access.ts": "with api.ts",
  "edge/records/record-lane.ts": "with record-sink.ts",
  "edge/sinks/file-roll/index.ts": "with sink.ts",
  "edge/sinks/kafka/place.ts": "with recovery.ts",
  "edge/testing/example-sink/index.ts": "with destination.ts",
  "edge/testing/example-source/index.ts": "with source.ts",
};

/** Functions of the delivery path with more than four parameters, as `path name`. */
export const knownParameters: ReadonlySet<string> = new Set([
  "central/store/sqlite/event-writer.ts writeRun",
  "central/store/sqlite/writer-session.ts startOver",
  "edge/core/split-batch.ts build",
]);
