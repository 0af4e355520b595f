/**
 * Where the agent's own log goes: standard error, in a way that can neither end nor stop the flow. Its reader may be gone
 * (EPIPE), its disk full (ENOSPC), its pipe not read at all. So a write is the system's to finish, one at a time, beside
 * the thread; what comes meanwhile waits in a bounded queue; what finds no room, or is refused, is counted, and said in
 * the log itself as soon as it takes lines again.
 */
import { fstatSync, write } from "node:fs";
import { systemCode } from "../../shared/files/refusal.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";

/** What is counted of the log. */
export function declareLogMetrics(metrics: Metrics, lost: () => number): void {
  const help = "Lines of the agent's own log that were refused, or came faster than they were taken.";
  metrics.gather("tailgate_log_lines_lost_total", help, "counter", () => [[{}, lost()]]);
}

/** Lines that wait while the reader takes nothing. */
const queueBytesMax = 256 * 1024;
/** A file has no reader that may be gone: what waits is what came in one turn of the loop. */
const fileQueueBytesMax = 8 * 1024 * 1024;

export class LogWriter {
  /** Lines that nobody will read. */
  lost = 0;
  private queue: Buffer[] = [];
  private queueBytes = 0;
  private writing = false;
  private untold = 0;
  private idle: (() => void)[] = [];

  private readonly queueBytesMax: number;

  constructor(private readonly descriptor: number) {
    this.queueBytesMax = isFile(descriptor) ? fileQueueBytesMax : queueBytesMax;
  }

  /** Takes whole lines. Never throws, never waits. */
  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.queueBytes + bytes.length > this.queueBytesMax) {
      this.lose(1);
      return;
    }
    this.queue.push(bytes);
    this.queueBytes += bytes.length;
    this.pump();
  }

  /** Resolves when all is written, or after a while. */
  async flush(withinMs: number): Promise<void> {
    if (!this.writing) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([
      new Promise<void>((resolve) => this.idle.push(resolve)),
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, withinMs);
      }),
    ]);
    clearTimeout(timer);
  }

  private pump(): void {
    if (this.writing) return;
    const lines = this.queue.length;
    if (lines === 0) {
      for (const resolve of this.idle.splice(0)) resolve();
      return;
    }
    this.writing = true;
    const bytes = Buffer.concat(this.queue);
    this.queue = [];
    this.queueBytes = 0;
    this.send(bytes, (failed) => {
      this.writing = false;
      if (failed) this.lose(lines);
      else this.tellLost();
      this.pump();
    });
  }

  private send(bytes: Buffer, done: (failed: boolean) => void): void {
    write(this.descriptor, bytes, 0, bytes.length, null, (error, written) => {
      if (error !== null) done(true);
      else if (written < bytes.length) this.send(bytes.subarray(written), done);
      else done(false);
    });
  }

  private lose(lines: number): void {
    this.lost += lines;
    this.untold += lines;
  }

  private tellLost(): void {
    if (this.untold === 0) return;
    const text = `${this.untold} lines of this log were lost: they were refused, or came faster than they were taken\n`;
    this.untold = 0;
    this.write(text);
  }
}

/** A descriptor that was closed before we began is none. */
function isFile(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isFile();
  } catch (thrown) {
    if (systemCode(thrown) === undefined) throw thrown;
    return false;
  }
}
