/** A central of its own as a child process, for tests that kill, freeze and starve it. */
import Database from "better-sqlite3";
import type { Child } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { type CentralStatus, startCentral } from "./central-process.ts";

export interface RunningCentralOptions {
  readonly brokers: string;
  readonly topics: string;
  readonly store: string;
  readonly group?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class RunningCentral implements AsyncDisposable {
  private constructor(
    readonly child: Child,
    readonly url: string,
  ) {}

  static async start(options: RunningCentralOptions): Promise<RunningCentral> {
    const port = await freePort();
    const { topics, group = "central-test", ...others } = options;
    const child = startCentral({ ...others, topics: [topics], group, port });
    return new RunningCentral(child, `http://127.0.0.1:${port}`);
  }

  /** Parsed JSON of a path. */
  async get(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.url}${path}`);
    const body: unknown = await response.json();
    if (typeof body !== "object" || body === null) throw new Error(`${path}: not an object`);
    return Object.fromEntries(Object.entries(body));
  }

  async numbers(): Promise<CentralStatus> {
    const body = await this.get("/api/v1/status");
    const number = (name: string) => Number(body[name]);
    return {
      stored: number("stored"),
      missing: number("missing"),
      repeated: number("repeated"),
      conflicts: number("conflicts"),
      shed: number("shed"),
      deadLettered: number("deadLettered"),
      gaps: number("gaps"),
      lag: body.lag === null ? null : number("lag"),
      storeAvailable: body.storeAvailable === true,
    };
  }

  /** Waits until so many events are stored. */
  async stored(count: number, withinMs = 30_000): Promise<CentralStatus> {
    return await until(
      `${count} events to be stored`,
      () => this.numbers(),
      ({ stored }) => stored >= count,
      {
        withinMs,
        everyMs: 20,
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}

/** What a store holds, read past all of the product's reading code but the chunk codec. */
export function storeSums(path: string): {
  readonly events: number;
  readonly counted: number;
  readonly received: number;
} {
  const database = new Database(path, { readonly: true });
  try {
    const number = (sql: string) => Number(database.prepare(sql).pluck().get());
    return {
      events: number("select coalesce(sum(events), 0) + (select count(*) from recent) from chunk"),
      counted: number("select coalesce(sum(stored), 0) from source"),
      received: number("select coalesce(sum(last - first + 1), 0) from ledger where kind = 'received'"),
    };
  } finally {
    database.close();
  }
}
