import type { Child, Exit } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { type CentralProcessOptions, type CentralStatus, startCentral } from "./central-process.ts";

/** How a centre of a test is set up. */
export interface CentralOptions extends Omit<CentralProcessOptions, "port" | "group"> {
  /** "central-test" when not given. */
  readonly group?: string;
  /** "6s" when not given; less needs a broker that allows it. */
  readonly sessionTimeout?: string;
  /** What its own questions are asked with. */
  readonly key?: string;
  /** It speaks TLS, and this is whom the test trusts. */
  readonly ca?: string;
}

interface Lag {
  readonly partitions: readonly { readonly topic: string; readonly generation: number; readonly next: number }[];
}

/** The centre as a process of its own: started, killed, frozen, starved, and started again on one store. */
export class Central implements AsyncDisposable {
  private started: Child | undefined;
  private past = "";

  constructor(
    private readonly options: CentralOptions,
    private readonly port: number,
  ) {}

  get url(): string {
    return `${this.options.ca === undefined ? "http" : "https"}://127.0.0.1:${this.port}`;
  }

  /** The process that was started last. @throws Error before the first start. */
  get child(): Child {
    if (this.started === undefined) throw new Error("central was not started yet");
    return this.started;
  }

  get running(): boolean {
    return this.started !== undefined && this.started.exit === undefined;
  }

  get log(): string {
    return this.past + (this.started?.tail(200_000) ?? "");
  }

  /** Starts it and does not wait. */
  launch(): void {
    if (this.running) throw new Error("start central: it runs already");
    const { sessionTimeout = "6s", group = "central-test", key: _, ca: __, ...options } = this.options;
    this.past = this.log;
    const environment = { TAILGATE_SESSION_TIMEOUT: sessionTimeout, ...options.environment };
    this.started = startCentral({ ...options, group, environment, port: this.port });
  }

  async start(): Promise<void> {
    this.launch();
    await this.wait("central to serve", async () => (await this.fetch("/livez")).ok);
  }

  async kill(): Promise<void> {
    await this.started?.kill();
  }

  async stop(): Promise<Exit | undefined> {
    const exit = await this.started?.stop(30_000);
    // Waits that pile up on one emitter are a leak, and the runtime says so once.
    if (this.log.includes("MaxListenersExceededWarning")) throw new Error(`central leaks listeners:\n${this.log}`);
    return exit;
  }

  freeze(): void {
    this.started?.freeze();
  }

  thaw(): void {
    this.started?.thaw();
  }

  /** GET of one of its pages, as JSON. */
  async get<T = Readonly<Record<string, unknown>>>(path: string): Promise<T> {
    const answer = await this.fetch(path);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Any method of one of its pages; its answer as JSON, undefined when it is empty. */
  async ask<T = Readonly<Record<string, unknown>>>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.fetch(path, method, body);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  async status(): Promise<CentralStatus> {
    return await this.get("/api/v1/status");
  }

  /** Records of the topics that the store is done with. */
  async done(): Promise<number> {
    const { partitions } = await this.get<Lag>("/api/v1/lag");
    return partitions.reduce((sum, { next }) => sum + next, 0);
  }

  /** Waits until the store is done with so many records. */
  async hasDone(records: number, withinMs?: number): Promise<void> {
    await this.wait(`${records} records to be stored`, async () => (await this.done()) >= records, withinMs);
  }

  /** Waits until so many events are stored. */
  async stored(count: number, withinMs = 30_000): Promise<CentralStatus> {
    const enough = ({ stored }: CentralStatus) => stored >= count;
    return await until(`${count} events to be stored`, () => this.status(), enough, { withinMs, everyMs: 20 });
  }

  /** Waits for something; fails with central's own words. */
  async wait(what: string, look: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
    try {
      await until(what, look, Boolean, { withinMs, everyMs: 50 });
    } catch (thrown) {
      const status = this.running ? JSON.stringify(await this.status().catch(String)) : "it does not run";
      throw new Error(
        `${thrown instanceof Error ? thrown.message : thrown}\nCentral (${status}):\n${this.log.slice(-3_000)}`,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  private fetch(path: string, method = "GET", body?: unknown): Promise<Response> {
    const { key, ca } = this.options;
    return fetch(`${this.url}${path}`, {
      method,
      ...(ca === undefined ? {} : { tls: { ca } }),
      signal: AbortSignal.timeout(10_000),
      headers: {
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

/** A centre that is not started yet, on a free port. */
export async function prepareCentral(options: CentralOptions): Promise<Central> {
  return new Central(options, await freePort());
}

/** One that was started; it may not serve yet. */
export async function launchCentral(options: CentralOptions): Promise<Central> {
  const central = await prepareCentral(options);
  central.launch();
  return central;
}
