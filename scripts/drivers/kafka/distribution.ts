/**
 * Apache Kafka as its jars, fetched once by Maven coordinate into a folder of the user's cache
 * ($TAILGATE_CACHE, else $XDG_CACHE_HOME/tailgate, else ~/.cache/tailgate) and shared by all clones:
 *
 *     kafka-4.3.1/libs/*.jar             the broker and what it needs
 *     kafka-4.3.1/bootstrap.checkpoint   the feature levels of a freshly formatted node. It holds no cluster id, so it is
 *                                        made once by Kafka's own storage tool and copied into each new data folder
 *     kafka-4.3.1/classes.jsa            class data archive written by a first broker when it stopped: others start in
 *                                        a second instead of three. The JVM ignores it when it does not fit
 *
 * The folder is filled under another name and renamed, so that a broken download never looks complete.
 */

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";

/** The version that the tests and `npm start` run. */
export const KAFKA_VERSION = "4.3.1";

const coordinates = [
  ["org.apache.kafka", "kafka_2.13", KAFKA_VERSION],
  ["org.apache.kafka", "kafka-tools", KAFKA_VERSION],
  ["org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.1"],
] as const;

/** Where the parts lie. */
export interface KafkaDistribution {
  readonly folder: string;
  readonly classPath: string;
  readonly bootstrapCheckpoint: string;
  readonly classArchive: string;
}

/** The folder of this user's cache that all clones share. */
export function cacheFolder(): string {
  const { TAILGATE_CACHE, XDG_CACHE_HOME } = process.env;
  return TAILGATE_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "tailgate");
}

/**
 * The distribution, fetched when it is not there yet (about 60 MB; the repository is whatever Maven is configured for).
 *
 * @throws AppError `TOOL_MISSING` when Java or Maven is not installed, or Maven could not fetch.
 */
export async function kafkaDistribution(): Promise<KafkaDistribution> {
  requireJava();
  const folder = join(cacheFolder(), `kafka-${KAFKA_VERSION}`);
  if (!existsSync(folder)) await fetchInto(folder);
  return describe(folder);
}

/** Whether the jars are in the cache already. */
export function kafkaIsCached(): boolean {
  return existsSync(join(cacheFolder(), `kafka-${KAFKA_VERSION}`));
}

/** The command line of Kafka's storage tool, formatting a node from its server.properties. */
export function formatCommand(
  classPath: string,
  clusterId: string,
  properties: string,
  more: readonly string[] = [],
): string[] {
  const tool = ["java", "-XX:TieredStopAtLevel=1", "-cp", classPath, "kafka.tools.StorageTool"];
  return [...tool, "format", "-t", clusterId, "-c", properties, ...more];
}

/**
 * Runs a tool to its end.
 *
 * @throws AppError `TOOL_MISSING` with the end of its output when it fails.
 */
export async function runTool(what: string, command: readonly string[]): Promise<void> {
  const tool = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([tool.stdout.text(), tool.stderr.text(), tool.exited]);
  if (tool.exitCode === 0) return;
  throw new AppError(
    codes.TOOL_MISSING,
    `${what}: exit code ${tool.exitCode}\n${`${stdout}\n${stderr}`.trim().slice(-2_000)}`,
  );
}

function describe(folder: string): KafkaDistribution {
  const libs = join(folder, "libs");
  // Named one by one and sorted: the class archive is good only for exactly the class path it was made with.
  const jars = readdirSync(libs).filter((name) => name.endsWith(".jar"));
  return {
    folder,
    classPath: jars
      .sort()
      .map((name) => join(libs, name))
      .join(":"),
    bootstrapCheckpoint: join(folder, "bootstrap.checkpoint"),
    classArchive: join(folder, "classes.jsa"),
  };
}

async function fetchInto(folder: string): Promise<void> {
  requireMaven();
  const partial = `${folder}.part-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, "libs"), { recursive: true });
  try {
    const pom = join(partial, "pom.xml");
    writeFileSync(pom, renderPom());
    const copy = ["dependency:copy-dependencies", `-DoutputDirectory=${join(partial, "libs")}`];
    await runTool(`fetch Kafka ${KAFKA_VERSION} with Maven`, ["mvn", "-q", "-B", "-f", pom, ...copy]);
    await makeBootstrapCheckpoint(partial);
    // Two processes may have fetched at once: the second finds the folder filled, and both are equal.
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

async function makeBootstrapCheckpoint(folder: string): Promise<void> {
  const data = join(folder, "format");
  const properties = join(folder, "format.properties");
  const lines = [
    "process.roles=broker,controller",
    "node.id=1",
    "controller.quorum.voters=1@127.0.0.1:1",
    "listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1",
    "controller.listener.names=CONTROLLER",
    `log.dirs=${data}`,
  ];
  writeFileSync(properties, `${lines.join("\n")}\n`);
  const { classPath, bootstrapCheckpoint } = describe(folder);
  await runTool("format a Kafka node", formatCommand(classPath, "AAAAAAAAAAAAAAAAAAAAAQ", properties));
  renameSync(join(data, "bootstrap.checkpoint"), bootstrapCheckpoint);
  rmSync(data, { recursive: true });
  rmSync(properties);
}

function renderPom(): string {
  const dependencies = coordinates
    .map(
      ([group, artifact, version]) =>
        `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
    )
    .join("\n");
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tailgate</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies>
${dependencies}
</dependencies></project>
`;
}

function requireJava(): void {
  if (Bun.which("java") !== null) return;
  throw new AppError(codes.TOOL_MISSING, "start Kafka: there is no `java` on the PATH", {
    hint: "Install Java 17 or newer (Debian, Ubuntu: apt-get install openjdk-17-jre-headless), or set KAFKA_BROKERS.",
  });
}

function requireMaven(): void {
  if (Bun.which("mvn") !== null) return;
  throw new AppError(codes.TOOL_MISSING, "fetch Kafka's jars: there is no `mvn` on the PATH", {
    hint: "Install Maven (Debian, Ubuntu: apt-get install maven), or set KAFKA_BROKERS to a Kafka that runs already.",
  });
}
