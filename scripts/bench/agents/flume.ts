import { messageOf } from "../../../shared/errors/app-error.ts";
import { FLUME_VERSION, flumeCommand, flumeJars, flumeLogging } from "../../drivers/flume/distribution.ts";
import type { Agent, Availability, Plan, Task } from "./agent.ts";

/** Found out when it is prepared. */
let jars: readonly string[] = [];

/** Apache Flume from Maven Central: TAILDIR → file channel (fsync a transaction, its default) → Kafka sink, acks=all. */
export const flume: Agent = {
  name: "Flume",
  product: "flume",
  setup: "TAILDIR, file channel with an fsync a transaction, Kafka sink with acks=all; 1,000 events a transaction",
  share: 1,
  prepare,
  plan,
};

async function prepare(progress: (text: string) => void): Promise<Availability> {
  try {
    if (Bun.which("java") === null) return { kind: "unavailable", reason: "no `java` on the PATH" };
    jars = await flumeJars(progress);
    return { kind: "ready", version: FLUME_VERSION };
  } catch (thrown) {
    return { kind: "unavailable", reason: messageOf(thrown) };
  }
}

function plan(task: Task): Plan {
  const { home, logs, bootstrap, topic, flow } = task;
  const properties = {
    "a.sources": "s",
    "a.channels": "c",
    "a.sinks": "k",
    "a.sources.s.type": "TAILDIR",
    "a.sources.s.channels": "c",
    "a.sources.s.filegroups": "f",
    "a.sources.s.filegroups.f": `${logs}/.*\\\\.log`,
    "a.sources.s.positionFile": `${home}/positions.json`,
    "a.sources.s.batchSize": 1000,
    "a.channels.c.type": "file",
    "a.channels.c.checkpointDir": `${home}/checkpoint`,
    "a.channels.c.dataDirs": `${home}/data`,
    "a.channels.c.capacity": 2_000_000,
    "a.channels.c.transactionCapacity": 10_000,
    "a.sinks.k.type": "org.apache.flume.sink.kafka.KafkaSink",
    "a.sinks.k.channel": "c",
    "a.sinks.k.kafka.bootstrap.servers": bootstrap,
    "a.sinks.k.kafka.topic": topic,
    "a.sinks.k.flumeBatchSize": 1000,
    "a.sinks.k.kafka.producer.acks": "all",
    "a.sinks.k.kafka.producer.compression.type": flow.compression,
    ...(flow.lingerMs === undefined ? {} : { "a.sinks.k.kafka.producer.linger.ms": flow.lingerMs }),
  };
  return {
    command: [
      ...flumeCommand(jars, { conf: `${home}/flume.properties`, name: "a", log4j: `${home}/log4j2.properties` }),
    ],
    env: {},
    files: {
      "flume.properties": Object.entries(properties)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join(""),
      "log4j2.properties": flumeLogging("warn"),
    },
  };
}
