import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, runTool } from "../kafka/distribution.ts";

/** The last Flume there was. */
export const FLUME_VERSION = "1.11.0";
/** Its number counts the sets of jars that there were. */
const folder = () => join(cacheFolder(), `flume-${FLUME_VERSION}-4`);

/**
 * The jars of Apache Flume from Maven Central, fetched when they are not there yet (44 MB).
 *
 * @throws AppError `TOOL_MISSING` when Java or Maven is not installed, or Maven could not fetch.
 */
export async function flumeJars(progress: (text: string) => void = () => {}): Promise<readonly string[]> {
  if (!existsSync(folder())) await fetchJars(progress);
  const libs = join(folder(), "libs");
  return readdirSync(libs).map((name) => join(libs, name));
}

/** The command line of an agent. */
export function flumeCommand(
  jars: readonly string[],
  agent: { readonly conf: string; readonly name: string; readonly log4j: string },
) {
  return [
    "java",
    "-Xmx384m",
    "-Djava.net.preferIPv4Stack=true",
    `-Dlog4j2.configurationFile=${agent.log4j}`,
    "-cp",
    jars.join(":"),
    "org.apache.flume.node.Application",
    "--no-reload-conf",
    "--conf-file",
    agent.conf,
    "--name",
    agent.name,
  ];
}

/** Settings of its log: a line each, on standard output. */
export function flumeLogging(level: "warn" | "info"): string {
  return `status=error
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n
rootLogger.level=${level}
rootLogger.appenderRef.c.ref=C
`;
}

/** Filled under another name and renamed, so that a broken download never looks complete. */
async function fetchJars(progress: (text: string) => void): Promise<void> {
  progress(`fetching Flume ${FLUME_VERSION} with Maven (44 MB)`);
  const partial = `${folder()}.part-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, "pom.xml"), pom);
    const goal = [
      "dependency:copy-dependencies",
      "-DincludeScope=runtime",
      `-DoutputDirectory=${join(partial, "libs")}`,
    ];
    await runTool(`fetch Flume ${FLUME_VERSION}`, ["mvn", "-q", "-B", "-ntp", "-f", join(partial, "pom.xml"), ...goal]);
    // Another test may have fetched them in the meantime.
    if (!existsSync(folder())) renameSync(partial, folder());
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

const artifacts = [
  ["org.apache.flume", "flume-ng-node", FLUME_VERSION],
  ["org.apache.flume.flume-ng-sources", "flume-taildir-source", FLUME_VERSION],
  ["org.apache.flume.flume-ng-sources", "flume-kafka-source", FLUME_VERSION],
  ["org.apache.flume.flume-ng-channels", "flume-file-channel", FLUME_VERSION],
  ["org.apache.flume.flume-ng-channels", "flume-kafka-channel", FLUME_VERSION],
  ["org.apache.flume.flume-ng-sinks", "flume-ng-kafka-sink", FLUME_VERSION],
  // Without it Flume says nothing, and nobody knows when it runs.
  ["org.apache.logging.log4j", "log4j-slf4j-impl", "2.18.0"],
] as const;

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>flume</artifactId><version>1</version>
<dependencies>
${artifacts
  .map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  )
  .join("\n")}
</dependencies></project>
`;
