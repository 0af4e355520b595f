import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";
import { cacheFolder, runTool } from "../kafka/distribution.ts";

/** Group, artifact, version. */
export type Coordinate = readonly [group: string, artifact: string, version: string];

/**
 * Jars by Maven coordinate, with what they need, fetched once into a folder of the user's cache. Answers the folder.
 *
 * @throws AppError `TOOL_MISSING` when Java or Maven is not installed, or Maven could not fetch.
 */
export async function mavenJars(name: string, coordinates: readonly Coordinate[]): Promise<string> {
  for (const tool of ["java", "mvn"]) {
    if (Bun.which(tool) === null) throw new AppError(codes.TOOL_MISSING, `${tool} is needed to start ${name}`);
  }
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.part-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    const pom = join(partial, "pom.xml");
    writeFileSync(pom, pomOf(name, coordinates));
    const copy = ["dependency:copy-dependencies", `-DoutputDirectory=${join(partial, "libs")}`];
    await runTool(`fetch ${name} with Maven`, ["mvn", "-q", "-B", "-f", pom, ...copy]);
    // Two processes may have fetched at once: the second finds the folder filled, and both are equal.
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}

function pomOf(name: string, coordinates: readonly Coordinate[]): string {
  const dependencies = coordinates.map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    `<groupId>tailgate</groupId><artifactId>${name}</artifactId><version>1</version>`,
    `<dependencies>${dependencies.join("")}</dependencies></project>`,
  ].join("\n");
}
