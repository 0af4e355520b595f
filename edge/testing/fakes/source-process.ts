/** A source of files in a process of its own, which may be another user's, told by its parent what to do; for the model tests. */

import { join } from "node:path";
import type { SourceDefinition } from "../../core/define.ts";
import { CommittedWork } from "./intake.ts";
import { type RunningSource, runSource } from "./running-source.ts";

/** What the parent asks for. A new world begins with nothing committed. */
export type DiscoveryRequest =
  | { readonly ask: "begin"; readonly config: unknown; readonly dataDir: string }
  | { readonly ask: "start" | "stop" | "crash" | "look" };

/** What was read so far, and what the source says of the files. */
export interface DiscoveryAnswer {
  readonly lines: readonly string[];
  /** Of the status: what is left out, and what is wrong. */
  readonly leftOut: readonly Told[];
  readonly errors: readonly Told[];
  readonly lostBytes: number;
}

/** A file, and a reason. */
interface Told {
  /** As the source names it: a whole path, or one below its folder. */
  readonly path: string;
  readonly reason: string;
}

class DiscoveryAgent {
  private work = new CommittedWork();
  private options: { readonly config: unknown; readonly dataDir: string } = { config: {}, dataDir: "" };
  private running: RunningSource | undefined;

  constructor(private readonly definition: SourceDefinition) {}

  async answer(request: DiscoveryRequest): Promise<DiscoveryAnswer> {
    // What one that ends here has said until its end.
    const ending = this.running;
    switch (request.ask) {
      case "begin":
        await this.running?.crash();
        this.work = new CommittedWork();
        this.options = request;
        this.running = this.run();
        break;
      case "start":
        this.running ??= this.run();
        break;
      case "stop":
        await this.running?.stop();
        this.running = undefined;
        break;
      case "crash":
        await this.running?.crash();
        this.running = undefined;
        break;
      case "look":
        this.running?.intake.commit();
    }
    const speaking = this.running ?? ending;
    const [leftOut, errors] = [listed(speaking, "leftOut"), listed(speaking, "errors")];
    return { lines: this.work.lines, leftOut, errors, lostBytes: this.work.counter("lost_at_source") };
  }

  private run(): RunningSource {
    return runSource({ definition: this.definition, ...this.options, work: this.work });
  }
}

function listed(running: RunningSource | undefined, name: "leftOut" | "errors"): readonly Told[] {
  const found: unknown = running?.isLoaded === true ? running.source.status()[name] : [];
  return Array.isArray(found) ? found.map(({ path, file, reason }) => ({ path: path ?? file, reason })) : [];
}

if (import.meta.main) {
  // Which source is the parent's word.
  const { default: definition } = await import(
    join(import.meta.dir, "../../sources", process.argv[2] ?? "", "index.ts")
  );
  const agent = new DiscoveryAgent(definition);
  process.on("message", (request: DiscoveryRequest) => {
    agent.answer(request).then((answer) => process.send?.(answer));
  });
  process.send?.("ready");
}
