/** Where one edge of a test lives. */
export interface EdgePlace {
  readonly agent: string;
  readonly dataDir: string;
  /** Pattern of the files it follows. */
  readonly logs: string;
  /** Several with commas. */
  readonly brokers: string;
  readonly topic: string;
  readonly adminPort: number;
}

/** What a test changes in the ordinary config: laid over the part of that name. */
export interface EdgeChanges {
  /** Top level: `linger`, `stopTimeout`; or a whole `sources`, `channels`, `sinks` in place of the one below. */
  readonly top?: object;
  readonly source?: object;
  readonly channel?: object;
  readonly sink?: object;
}

/** The config of a test's edge: one tail source, one durable channel, one Kafka sink. JSON is YAML. */
export function edgeConfig(place: EdgePlace, changes: EdgeChanges = {}): string {
  const { agent, dataDir, logs, brokers, topic, adminPort } = place;
  const config = {
    agent,
    dataDir,
    linger: "20ms",
    sources: {
      drive: {
        type: "tail",
        paths: [logs],
        pollInterval: "250ms",
        rotateWait: "500ms",
        interceptors: [{ type: "regex_extractor", key: '"car":"([^"]+)"' }],
        channels: ["main"],
        ...changes.source,
      },
    },
    channels: { main: { type: "sqlite", capacity: "1GiB", ...changes.channel } },
    sinks: {
      kafka: {
        type: "kafka",
        channel: "main",
        brokers: brokers.split(","),
        topic,
        partition: "agent",
        ...changes.sink,
      },
    },
    admin: { address: `127.0.0.1:${adminPort}` },
    log: { level: "info", format: "text" },
    ...changes.top,
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}
