import { isDescriptorShortage } from "../../../shared/files/descriptor-shortage.ts";
import { shownPath } from "../../../shared/files/path-text.ts";
import { isFileTrouble } from "../../../shared/files/refusal.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Metrics } from "../../../shared/telemetry/metrics.ts";
import { observeLeftOut } from "../../core/left-out.ts";
import { signals } from "./telemetry.ts";

/**
 * What is left out because it cannot be looked at or is not taken: said once each, shown in the status, and tried again
 * with every look. One entry never hides its neighbours.
 *
 * Kept by scope (a folder, a walk through folders, one file's reading): whoever looks at a scope says at the end what
 * is in the way there now.
 */
export class Obstacles {
  private readonly scopes = new Map<string, Map<string, string>>();
  /** Those of them that wait for a descriptor, as many in each scope: said once for all, there may be thousands. */
  private readonly waits = new Map<string, number>();

  constructor(private readonly report: Report) {}

  observe(metrics: Metrics, source: string): void {
    observeLeftOut(metrics, source, () => this.count);
    metrics.observe(
      "tailgate_source_waiting_files",
      "Files and folders that wait because the process can open nothing more, by source.",
      { source },
      () => this.waiting,
    );
  }

  /** Begins a look at a scope; `end` forgets what was in the way before and is not any more. */
  look(scope: string): { note(path: string, thrown: unknown): void; end(): void } {
    const before = this.scopes.get(scope);
    const now = new Map<string, string>();
    const waiting = new Set<string>();
    return {
      note: (path, thrown) => {
        const reason = reasonOf(thrown);
        now.set(path, reason);
        if (isDescriptorShortage(thrown)) {
          if (waiting.size === 0) this.report(signals.noDescriptor, { path: shownPath(path), reason });
          waiting.add(path);
        } else if (before?.get(path) !== reason) {
          this.report(signals.leftOut, { path: shownPath(path), reason });
        }
      },
      end: () => {
        if (now.size > 0) this.scopes.set(scope, now);
        else if (before !== undefined) this.scopes.delete(scope);
        if (waiting.size > 0) this.waits.set(scope, waiting.size);
        else this.waits.delete(scope);
      },
    };
  }

  /** What waits until something can be opened again. */
  get waiting(): number {
    let waiting = 0;
    for (const count of this.waits.values()) waiting += count;
    return waiting;
  }

  /** What is in the way in one scope. */
  pathsIn(scope: string): readonly string[] {
    return [...(this.scopes.get(scope)?.keys() ?? [])];
  }

  get count(): number {
    let count = 0;
    for (const { size } of this.scopes.values()) count += size;
    return count;
  }

  /** For the status page. */
  list(): readonly { readonly path: string; readonly reason: string }[] {
    const all = [...this.scopes.values()].flatMap((found) => [...found]);
    return all.slice(0, shownMax).map(([path, reason]) => ({ path: shownPath(path), reason }));
  }
}

/** A reason for people. @throws what is no fault of the world. */
function reasonOf(thrown: unknown): string {
  if (typeof thrown === "string") return thrown;
  if (isFileTrouble(thrown)) return thrown.message;
  throw thrown;
}

const shownMax = 100;
