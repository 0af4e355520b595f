import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { cacheFolder, runTool } from "../../drivers/kafka/distribution.ts";
import type { Agent, Availability, Plan, Task } from "./agent.ts";

const version = "1.11.0";
const folder = () => join(cacheFolder(), `flume-${version}`);

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
    if (!existsSync(folder())) await fetchJars(progress);
    return { kind: "ready", version };
  } catch (thrown) {
    return { kind: "unavailable", reason: messageOf(thrown) };
  }
}

/** Filled under another name and renamed, so that a broken download never looks complete. */
async function fetchJars(progress: (text: string) => void): Promise<void> {
  progress(`fetching Flume ${version} with Maven (44 MB)`);
  const partial = `${folder()}.part-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, "pom.xml"), pom);
    const goal = [
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(partial, "libs")}`,
    ];
    await runTool(`fetch Flume ${version}`, ["mvn", "-q", "-B", "-ntp", "-f", join(partial, "pom.xml"), ...goal]);
    renameSync(partial, folder());
  } finally {
    rmSync(partial, { recursive: true, force: true });
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
  const libs = join(folder(), "libs");
  const classPath = readdirSync(libs).map((name) => join(libs, name));
  return {
    command: [
      "java",
      "-Xmx384m",
      "-Djava.net.preferIPv4Stack=true",
      `-Dlog4j2.configurationFile=${home}/log4j2.properties`,
      "-cp",
      classPath.join(":"),
      "org.apache.flume.node.Application",
      "--no-reload-conf",
      "--conf-file",
      `${home}/flume.properties`,
      "--name",
      "a",
    ],
    env: {},
    files: {
      "flume.properties": Object.entries(properties)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join(""),
      "log4j2.properties": logging,
    },
  };
}

const logging = `status=error
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=C
`;

const artifacts = [
  ["org.apache.flume", "flume-ng-node"],
  ["org.apache.flume.flume-ng-sources", "flume-taildir-source"],
  ["org.apache.flume.flume-ng-channels", "flume-file-channel"],
  ["org.apache.flume.flume-ng-sinks", "flume-ng-kafka-sink"],
] as const;

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>bench</groupId><artifactId>flume</artifactId><version>1</version>
<dependencies>
${artifacts
  .map(
    ([group, artifact]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  )
  .join("\n")}
</dependencies></project>
`;
