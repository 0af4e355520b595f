import { join } from "node:path";
import type { DiscoveryAnswer, DiscoveryRequest } from "./source-process.ts";

/**
 * A source in a process of its own (source-process.ts). Where the test is root it is another user's, or no permission
 * would ever be missing.
 */
export class OtherUsersAgent {
  /** It takes requests. */
  readonly ready: Promise<unknown>;
  private answered: (message: unknown) => void = () => {};
  private readonly child: Bun.Subprocess;

  /** @param source its type, as its folder is called. */
  constructor(
    source: string,
    private readonly stallMs: number,
  ) {
    const nobody = process.geteuid?.() === 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : [];
    const ready = this.next();
    this.child = Bun.spawn([...nobody, process.execPath, join(import.meta.dir, "source-process.ts"), source], {
      ipc: (message) => this.answered(message),
      serialization: "json",
      stdio: ["ignore", "inherit", "inherit"],
    });
    this.ready = Promise.race([ready, this.died()]);
  }

  /** @throws when it does not answer: it waits for something. */
  async ask(request: DiscoveryRequest): Promise<DiscoveryAnswer> {
    const answer = this.next();
    this.child.send(request);
    const within = Bun.sleep(this.stallMs).then(() => {
      throw new Error(`${request.ask}: the agent does not answer, it waits for something`);
    });
    return read(await Promise.race([answer, within, this.died()]));
  }

  /** A project below a home that others may not enter is none that another user can run. */
  private async died(): Promise<never> {
    const code = await this.child.exited;
    throw new Error(`the agent of another user has ended with ${code}: may everybody read ${import.meta.dir}?`);
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  private next(): Promise<unknown> {
    return new Promise((resolve) => (this.answered = resolve));
  }
}

function read(message: unknown): DiscoveryAnswer {
  const { lines, leftOut, errors, lostBytes } = Object(message);
  if (!Array.isArray(lines) || !Array.isArray(leftOut)) throw new Error("the agent answers something else");
  return { lines, leftOut, errors: Array.isArray(errors) ? errors : [], lostBytes: Number(lostBytes) };
}
