/**
 * Schemathesis (https://schemathesis.readthedocs.io): requests made from an API's own OpenAPI document, valid ones and wrong ones, whose
 * answers are held against that document.
 */
import { join } from "node:path";
import { pythonPackages } from "../python/packages.ts";

const version = "4.32.5";

/** What is asked of it. */
export interface Asked {
  /** Where the document is. */
  readonly url: string;
  /** Sent as a bearer token. */
  readonly key: string;
  /** Its name of the checks that say nothing about this API. */
  readonly without: readonly string[];
  /** Paths that are left out. */
  readonly withoutPaths: readonly string[];
  /** Examples a route. */
  readonly examples: number;
  readonly seed: number;
}

/** Of all requests: whether every answer was as the document says, and its report in words. */
export interface Answered {
  readonly isClean: boolean;
  readonly report: string;
}

/** Asks every route. @throws AppError `TOOL_MISSING` when there is no Python; Error with the words of pip. */
export async function propertyRequests(asked: Asked): Promise<Answered> {
  const folder = await pythonPackages(`schemathesis-${version}`, [`schemathesis==${version}`]);
  const options = [
    ...["--phases", "examples,coverage,fuzzing", "--max-examples", `${asked.examples}`, "--seed", `${asked.seed}`],
    ...["--continue-on-failure", "--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "20"],
    ...["--header", `Authorization: Bearer ${asked.key}`, "--no-color"],
    ...["--exclude-checks", asked.without.join(",")],
    ...asked.withoutPaths.flatMap((path) => ["--exclude-path", path]),
  ];
  const config = ["--config-file", join(import.meta.dir, "schemathesis.toml")];
  const run = Bun.spawn(["python3", "-m", "schemathesis.cli", ...config, "run", asked.url, ...options], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: {
      ...process.env,
      PYTHONPATH: `${folder}:${import.meta.dir}`,
      PYTHONDONTWRITEBYTECODE: "1",
      SCHEMATHESIS_HOOKS: "tailgate_media_types",
    },
    cwd: folder,
  });
  const [stdout, stderr] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  return { isClean: run.exitCode === 0, report: `${stdout}\n${stderr}` };
}
