import type { Child, Exit } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { type CentralProcessOptions, type CentralStatus, startCentral } from "./central-process.ts";

/** How a centre of a test is set up. */
export interface CentralOptions extends Omit<CentralProcessOptions, "port" | "environment"> {
  /** "6s" when not given; less needs a broker that allows it. */
  readonly sessionTimeout?: string;
}

interface Lag {
  readonly partitions: readonly { readonly topic: string; readonly generation: number; readonly next: number }[];
}

/** The centre as a process of its own: started, killed and started again on one store. */
export class Central implements AsyncDisposable {
  private child: Child | undefined;
  private past = "";

  constructor(
    private readonly options: CentralOptions,
    private readonly port: number,
  ) {}

  get running(): boolean {
    return this.child !== undefined && this.child.exit === undefined;
  }

  get log(): string {
    return this.past + (this.child?.tail(200_000) ?? "");
  }

  /** Starts it and does not wait. */
  launch(): void {
    if (this.running) throw new Error("start central: it runs already");
    const { sessionTimeout = "6s", ...options } = this.options;
    this.past = this.log;
    const environment = { TAILGATE_SESSION_TIMEOUT: sessionTimeout };
    this.child = startCentral({ ...options, environment, port: this.port });
  }

  async start(): Promise<void> {
    this.launch();
    await this.wait("central to serve", async () => (await this.fetch("/livez")).ok);
  }

  async kill(): Promise<void> {
    await this.child?.kill();
  }

  async stop(): Promise<Exit | undefined> {
    return await this.child?.stop(30_000);
  }

  freeze(): void {
    this.child?.freeze();
  }

  thaw(): void {
    this.child?.thaw();
  }

  /** GET of one of its pages, as JSON. */
  async get<T>(path: string): Promise<T> {
    const answer = await this.fetch(path);
    if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
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

  private fetch(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, { signal: AbortSignal.timeout(10_000) });
  }
}

/** A centre that is not started yet, on a free port. */
export async function prepareCentral(options: CentralOptions): Promise<Central> {
  return new Central(options, await freePort());
}
