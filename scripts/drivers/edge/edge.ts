import { writeFileSync } from "node:fs";
import type { Child, Exit } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { type EdgeChanges, type EdgePlace, edgeConfig } from "./edge-config.ts";
import { type EdgeProcessOptions, startEdge } from "./edge-process.ts";

/** The books of one stream in one channel, as the edge's status page gives them. */
export interface Book {
  readonly stream: string;
  readonly channel: string;
  readonly read: number;
  readonly filtered: number;
  readonly unselected: number;
  readonly dropped: number;
  readonly shed: number;
  readonly dead: number;
  readonly sent: number;
  readonly held: number;
  readonly maybeRepeated: number;
}

/** The parts of the status page that tests look at. */
export interface EdgeStatus {
  readonly state: string;
  readonly epoch: string;
  readonly books: readonly Book[];
  readonly channels: Readonly<
    Record<
      string,
      { readonly events: number; readonly bytes: number; readonly bytesMax: number; readonly admission: string }
    >
  >;
  readonly sinks: Readonly<
    Record<string, { readonly lanes?: readonly { readonly state: { readonly kind: string } }[] }>
  >;
}

/** How an edge of a test differs from the ordinary one. */
export interface EdgeOptions extends EdgeProcessOptions {
  readonly place: Omit<EdgePlace, "adminPort">;
  readonly changes?: EdgeChanges;
}

/** A compiled edge that is started, killed and started again on one data directory. */
export class Edge implements AsyncDisposable {
  private child: Child | undefined;
  /** What earlier processes wrote: for the person who reads a failure. */
  private past = "";

  constructor(
    private readonly options: EdgeOptions,
    private readonly adminPort: number,
  ) {}

  get running(): boolean {
    return this.child !== undefined && this.child.exit === undefined;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** All it has logged, in all its lives. */
  get log(): string {
    return this.past + (this.child?.tail(200_000) ?? "");
  }

  /** Starts it and does not wait. A change of the config counts from here on. */
  async launch(changes: EdgeChanges = this.options.changes ?? {}): Promise<void> {
    if (this.running) throw new Error("start the edge: it runs already");
    this.writeConfig(changes);
    this.past = this.log;
    this.child = await startEdge(this.options);
  }

  /** Starts it and waits until it runs. */
  async start(changes?: EdgeChanges, withinMs = 20_000): Promise<void> {
    await this.launch(changes);
    await this.wait("the edge to run", ({ state }) => state === "running", withinMs);
  }

  /** Writes another config and sends SIGHUP; does not wait. */
  reload(changes: EdgeChanges): void {
    this.writeConfig(changes);
    this.child?.signal("SIGHUP");
  }

  /** How often its log, since the last start, says this. */
  said(words: string): number {
    return (this.child?.tail(200_000) ?? "").split(words).length - 1;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.child?.kill();
  }

  /** SIGTERM, and how it ended. */
  async stop(): Promise<Exit | undefined> {
    const exit = await this.child?.stop(30_000);
    // Waits that pile up on one emitter are a leak, and the runtime says so once.
    if (this.log.includes("MaxListenersExceededWarning")) throw new Error(`the edge leaks listeners:\n${this.log}`);
    return exit;
  }

  /** SIGSTOP and SIGCONT. */
  freeze(): void {
    this.child?.freeze();
  }

  thaw(): void {
    this.child?.thaw();
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.child?.exit;
  }

  async status(): Promise<EdgeStatus> {
    const answer = await fetch(`http://127.0.0.1:${this.adminPort}/status`, { signal: AbortSignal.timeout(5_000) });
    if (!answer.ok) throw new Error(`GET /status: ${answer.status}`);
    return (await answer.json()) as EdgeStatus;
  }

  /** The book of a stream, in its first channel or the one that is named. */
  async book(stream = "drive", channel?: string): Promise<Book> {
    const { books } = await this.status();
    const book = books.find((each) => each.stream === stream && (channel === undefined || each.channel === channel));
    if (book === undefined) throw new Error(`the edge keeps no book of stream ${stream}`);
    return book;
  }

  /** Waits until its status is as wanted; fails with what was seen last and the edge's own words. */
  async wait(what: string, accept: (status: EdgeStatus) => boolean, withinMs = 20_000): Promise<EdgeStatus> {
    const { child } = this;
    const look = async () => {
      if (child?.exit !== undefined) return child.exit;
      return await this.status();
    };
    const isExit = (seen: EdgeStatus | Exit): seen is Exit => "signal" in seen;
    try {
      const seen = await until(what, look, (value) => isExit(value) || accept(value), { withinMs, everyMs: 25 });
      if (isExit(seen)) throw new Error(`wait for ${what}: the edge ended (code ${seen.code}, signal ${seen.signal})`);
      return seen;
    } catch (thrown) {
      throw new Error(`${thrown instanceof Error ? thrown.message : thrown}\nThe edge:\n${this.log.slice(-3_000)}`);
    }
  }

  /** Waits until it has read so many lines of a stream (or all its streams). */
  async hasRead(lines: number, withinMs?: number): Promise<EdgeStatus> {
    return await this.wait(`${lines} lines to be read`, ({ books }) => sum(books, "read") >= lines, withinMs);
  }

  /** Waits until it has read so many lines and holds none of them any more. */
  async hasSettled(lines: number, withinMs?: number): Promise<EdgeStatus> {
    const settled = ({ books }: EdgeStatus) => sum(books, "read") >= lines && sum(books, "held") === 0;
    return await this.wait(`${lines} lines to be read and none held`, settled, withinMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  private writeConfig(changes: EdgeChanges): void {
    const { place, configPath } = this.options;
    writeFileSync(configPath, edgeConfig({ ...place, adminPort: this.adminPort }, changes));
  }
}

/** An edge that is not started yet, on a free admin port. */
export async function prepareEdge(options: EdgeOptions): Promise<Edge> {
  return new Edge(options, await freePort());
}

function sum(books: readonly Book[], field: "read" | "held"): number {
  // A stream that feeds two channels has two books, and was read once.
  const streams = new Set<string>();
  let total = 0;
  for (const book of books) {
    if (field === "read" && streams.has(book.stream)) continue;
    streams.add(book.stream);
    total += book[field];
  }
  return total;
}
