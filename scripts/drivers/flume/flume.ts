import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { until } from "../../../shared/testing/until.ts";
import { flumeCommand, flumeJars, flumeLogging } from "./distribution.ts";

/** An agent of a real Flume, in a folder of its own; it can be killed and started again. */
export class Flume implements AsyncDisposable {
  private child: Child | undefined;

  private constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly jars: readonly string[],
    private readonly env: Readonly<Record<string, string>>,
  ) {}

  /** Writes its files, and starts it. @param conf the text of its flume.conf. */
  static async start(
    folder: string,
    name: string,
    conf: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<Flume> {
    mkdirSync(folder, { recursive: true });
    const flume = new Flume(folder, name, await flumeJars(), env);
    writeFileSync(join(folder, "flume.conf"), conf);
    writeFileSync(join(folder, "log4j2.properties"), flumeLogging("info"));
    await flume.restart();
    return flume;
  }

  /** Starts it again, and waits until its sources have begun. */
  async restart(): Promise<void> {
    const { folder, name, jars, env } = this;
    const files = { conf: join(folder, "flume.conf"), log4j: join(folder, "log4j2.properties") };
    this.child = startChild({ command: flumeCommand(jars, { ...files, name }), cwd: folder, env });
    await until(
      "Flume to run",
      () => this.log,
      (log) => /Starting Source/.test(log),
      { withinMs: 60_000 },
    );
  }

  get log(): string {
    return this.child?.stdout ?? "";
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Ends it at once, or asks it to end, and waits. */
  async end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.child?.signal(signal);
    await this.child?.exited;
    this.child = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
  }
}

/** The lines of all files in a folder, of the oldest file first; none where it is not there. */
export function linesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((path) => readFileSync(path, "utf8").split("\n").slice(0, -1));
}
