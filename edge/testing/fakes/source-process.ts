/** A tail source in a process of its own, which may be another user's, told by its parent what to do; for the model test. */

import definition from "../../sources/tail/index.ts";
import { CommittedWork } from "./intake.ts";
import { type RunningSource, runSource } from "./running-source.ts";

/** What the parent asks for. A new world begins with nothing committed. */
export type DiscoveryRequest =
  | { readonly ask: "begin"; readonly config: unknown; readonly dataDir: string }
  | { readonly ask: "start" | "stop" | "crash" | "look" };

interface LeftOut {
  readonly path: string;
  readonly reason: string;
}

/** What was read so far, and what the status says is left out. */
export interface DiscoveryAnswer {
  readonly lines: readonly string[];
  readonly leftOut: readonly LeftOut[];
}

class DiscoveryAgent {
  private work = new CommittedWork();
  private options: { readonly config: unknown; readonly dataDir: string } = { config: {}, dataDir: "" };
  private running: RunningSource | undefined;

  async answer(request: DiscoveryRequest): Promise<DiscoveryAnswer> {
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
    return { lines: this.work.lines, leftOut: this.leftOut() };
  }

  private run(): RunningSource {
    return runSource({ definition, ...this.options, work: this.work });
  }

  private leftOut(): readonly LeftOut[] {
    const found: unknown = this.running?.isLoaded === true ? this.running.source.status().leftOut : [];
    return Array.isArray(found) ? found : [];
  }
}

if (import.meta.main) {
  const agent = new DiscoveryAgent();
  process.on("message", (request: DiscoveryRequest) => {
    agent.answer(request).then((answer) => process.send?.(answer));
  });
  process.send?.("ready");
}
