import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import type { TempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");

/** An agent with sources to try: from each of them through the durable channel into a file of its own. */
export class ListeningAgent implements AsyncDisposable {
  private child: Child | undefined;
  private past = "";

  private constructor(
    private readonly dir: TempDir,
    private readonly adminPort: number,
    private readonly sources: readonly string[],
  ) {}

  /** `sources`: the config of each as JSON, by name, without its channel. */
  static async write(dir: TempDir, sources: Readonly<Record<string, object>>): Promise<ListeningAgent> {
    const agent = new ListeningAgent(dir, await freePort(), Object.keys(sources));
    agent.configure(sources);
    return agent;
  }

  /** Writes another config with sources of the same names; for the next start, or `reload`. */
  configure(sources: Readonly<Record<string, object>>): void {
    const { dir, adminPort: port, sources: names } = this;
    const config = {
      agent: "gw-1",
      dataDir: dir.file("data"),
      linger: "10ms",
      sources: Object.fromEntries(Object.entries(sources).map(([name, each]) => [name, { ...each, channels: [name] }])),
      channels: Object.fromEntries(names.map((name) => [name, { type: "sqlite", freeDisk: 0 }])),
      sinks: Object.fromEntries(
        names.map((name) => [`to-${name}`, { type: "file_roll", directory: dir.file(`out-${name}`), channel: name }]),
      ),
      admin: { address: `127.0.0.1:${port}` },
    };
    writeFileSync(dir.file("tailgate.yaml"), JSON.stringify(config));
  }

  reload(): void {
    this.child?.signal("SIGHUP");
  }

  async start(): Promise<void> {
    this.past = this.log;
    this.child = startChild({ command: [process.execPath, main, "run", this.dir.file("tailgate.yaml")] });
    await until(
      "the agent to be ready",
      async () => (await fetch(`http://127.0.0.1:${this.adminPort}/readyz`)).ok,
      Boolean,
      {
        withinMs: 30_000,
      },
    );
  }

  async kill(): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }

  get log(): string {
    return this.past + (this.child?.tail(100_000) ?? "");
  }

  /** Of one source. */
  async status(name: string): Promise<Readonly<Record<string, unknown>>> {
    const { sources } = Object(await (await fetch(`http://127.0.0.1:${this.adminPort}/status`)).json());
    return Object(sources[name]);
  }

  /** What came out, in the order of the files. */
  lines(name: string): readonly string[] {
    const folder = this.dir.file(`out-${name}`);
    if (!this.sources.includes(name) || !existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted()
      .flatMap((path) => readFileSync(path, "utf8").split("\n").slice(0, -1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** What of the expected lines is missing, and how many came more than once. */
export function compare(expected: readonly string[], found: readonly string[]) {
  const wanted = new Set(expected);
  const seen = new Map<string, number>();
  for (const line of found) seen.set(line, (seen.get(line) ?? 0) + 1);
  return {
    missing: expected.filter((line) => !seen.has(line)).length,
    repeated: found.length - seen.size,
    foreign: [...seen.keys()].filter((line) => !wanted.has(line)).length,
  };
}
