import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const Status = z.object({
  books: z.array(z.object({ read: z.int(), sent: z.int(), held: z.int(), dead: z.int() })),
});

/** An edge of this source tree: tail → SQLite → the sink under test. Killed and started again on one data folder. */
export class StoreWorld implements AsyncDisposable {
  private written = 0;
  private child: Child | undefined;
  private past = "";

  private constructor(
    private readonly folder: TempDir,
    private readonly adminPort: number,
  ) {}

  static async open(sinks: string): Promise<StoreWorld> {
    const folder = tempDir();
    const port = await freePort();
    mkdirSync(folder.file("logs"));
    const config = [
      "agent: gw-1",
      `dataDir: ${folder.file("data")}`,
      "linger: 50ms",
      "stopTimeout: 2s",
      `sources: { driving: { type: tail, paths: ["${folder.file("logs")}/*.log"], channels: main } }`,
      "channels: { main: { type: sqlite, capacity: 1GiB } }",
      sinks,
      `admin: { address: "127.0.0.1:${port}" }`,
    ];
    writeFileSync(folder.file("tailgate.yaml"), `${config.join("\n")}\n`);
    return new StoreWorld(folder, port);
  }

  /** What the edge said. */
  get log(): string {
    return `${this.past}${this.child?.stderr ?? ""}`;
  }

  /** All lines that were written. */
  get lines(): readonly string[] {
    const path = this.folder.file("logs/driving.log");
    return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
  }

  write(count: number, line: (seq: number) => string = (seq) => `line ${seq}`): void {
    let text = "";
    for (let index = 0; index < count; index++) text += `${line(this.written++)}\n`;
    appendFileSync(this.folder.file("logs/driving.log"), text);
  }

  start(): void {
    const main = join(import.meta.dir, "../../../edge/main.ts");
    const command = [process.execPath, main, "run", "--force", "--config", this.folder.file("tailgate.yaml")];
    this.child = startChild({ name: "edge", command });
  }

  /** -9. */
  async kill(): Promise<void> {
    this.past = this.log;
    await this.child?.[Symbol.asyncDispose]();
    this.child = undefined;
  }

  /** The books of the stream, from the edge's own page. */
  async books(): Promise<z.output<typeof Status>["books"][number] | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.adminPort}/status`, { signal: AbortSignal.timeout(2_000) });
      return Status.parse(await response.json()).books[0];
    } catch {
      return undefined;
    }
  }

  /** Waits until all that was written has been read and nothing is held any more. */
  async drained(withinMs = 60_000): Promise<void> {
    const isDone = (books: Awaited<ReturnType<StoreWorld["books"]>>) =>
      books !== undefined && books.held === 0 && books.sent + books.dead >= this.written;
    try {
      await until("the channel to run empty", () => this.books(), isDone, { withinMs, everyMs: 100 });
    } catch (cause) {
      throw new Error(`${JSON.stringify(await this.books())}\n${this.log.slice(-3_000)}`, { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.folder[Symbol.dispose]();
  }
}
