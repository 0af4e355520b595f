import { shownPath } from "../../../shared/files/path-text.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { Metrics } from "../../../shared/telemetry/metrics.ts";
import { observeLeftOut } from "../../core/left-out.ts";
import { signals } from "./telemetry.ts";

/** The status page names this many. */
const shownMax = 100;

/** What is not read, and why: said once, and shown as long as it is so. */
export class LeftOut {
  private before = new Map<string, string>();
  private now = new Map<string, string>();

  constructor(private readonly report: Report) {}

  observe(metrics: Metrics, source: string): void {
    observeLeftOut(metrics, source, () => this.now.size);
  }

  /** Begins a look. */
  look(): void {
    this.before = this.now;
    this.now = new Map();
  }

  note(key: string, reason: string): void {
    if (this.before.get(key) !== reason) this.report(signals.leftOut, { file: shownPath(key), reason });
    this.now.set(key, reason);
  }

  /** Whether a file, or a folder that it lies in, could not be looked at. */
  hides(key: string): boolean {
    for (let end = key.length; end > 0; end = key.lastIndexOf("/", end - 1)) {
      if (this.now.has(key.slice(0, end))) return true;
    }
    return false;
  }

  get status() {
    const shown = [...this.now].slice(0, shownMax).map(([file, reason]) => ({ file: shownPath(file), reason }));
    return { leftOut: shown, leftOutCount: this.now.size };
  }
}
