import { type Child, startChild } from "../../../shared/testing/child.ts";
import { edgeBinary } from "./edge-binary.ts";

/** How an edge is started. */
export interface EdgeProcessOptions {
  readonly configPath: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** What it writes to, a line at a time. */
  readonly onLine?: (line: string) => void;
  /** Puts words before the command: `nsenter …`, `strace …`. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  /** In place of the compiled binary of this machine. */
  readonly binary?: readonly string[];
}

/** Starts an edge on a config that is there, and does not wait until it runs. */
export async function startEdge(options: EdgeProcessOptions): Promise<Child> {
  const { configPath, env = {}, cwd, onLine, wrap = (command) => command } = options;
  const binary = options.binary ?? [await edgeBinary()];
  return startChild({
    name: "edge",
    command: wrap([...binary, "run", "--config", configPath]),
    env,
    ...(cwd === undefined ? {} : { cwd }),
    ...(onLine === undefined ? {} : { onLine }),
  });
}
