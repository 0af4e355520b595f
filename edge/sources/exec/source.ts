import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { defineSignal } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import { LineIntake } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { LineFrames } from "../../listeners/line-frames.ts";
import { hasRoom } from "../../listeners/room.ts";
import { codes } from "./codes.ts";
import type { Config } from "./config.ts";

/** What the exec source says. */
const signals = {
  started: defineSignal({ name: "exec_started", level: "info", message: "A command runs" }),
  ended: defineSignal({ name: "exec_ended", level: "warn", message: "A command has ended; it is run again" }),
  over: defineSignal({
    name: "exec_over",
    level: "warn",
    message: "A command has ended, and `restart` is off: nothing more is read from it",
  }),
  failed: defineSignal({ name: "exec_failed", level: "error", message: "A command cannot be run; it is tried again" }),
  stderr: defineSignal({ name: "exec_stderr", level: "info", message: "A command says", atMostEveryMs: 1_000 }),
} as const;

const killAfterMs = 2_000;
const stderrLineMax = 500;

type Running = Bun.Subprocess<"ignore", "pipe", "pipe" | "ignore">;

/** The lines of a command. While the channel is full its pipe is not read, and the command has to wait. */
export class ExecSource implements Source {
  private running: Running | undefined;
  private runs = 0;
  private lastEnd: string | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {}

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const { restart, restartThrottle } = this.config;
    const { report, name } = this.context;
    while (!signal.aborted) {
      await this.runOnce(intake, signal).catch((error: unknown) => {
        if (!restart || !(error instanceof AppError)) throw error;
        this.lastEnd = messageOf(error);
        report(signals.failed, { component: name, error: this.lastEnd, hint: error.hint });
      });
      if (signal.aborted) return;
      if (restart) await sleep(restartThrottle, signal);
      else await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
  }

  async stop(): Promise<void> {
    if (this.running !== undefined) killGroup(this.running, "SIGKILL");
  }

  status(): Readonly<Record<string, unknown>> {
    const { running, runs, lastEnd } = this;
    return { pid: running?.pid ?? 0, runs, ...(lastEnd === undefined ? {} : { lastEnd }) };
  }

  private async runOnce(intake: Intake, signal: AbortSignal): Promise<void> {
    const { report, name } = this.context;
    const child = this.spawn();
    this.running = child;
    this.runs++;
    report(signals.started, { component: name, pid: child.pid });
    const reader = child.stdout.getReader();
    let killing: ReturnType<typeof setTimeout> | undefined;
    const end = () => {
      killGroup(child, "SIGTERM");
      killing = setTimeout(() => {
        killGroup(child, "SIGKILL");
        // Somebody who left the group may hold the pipe open.
        void reader.cancel();
      }, killAfterMs);
    };
    signal.addEventListener("abort", end, { once: true });
    const said = child.stderr instanceof ReadableStream ? this.sayStderr(child.stderr) : Promise.resolve();
    try {
      await this.readLines(reader, intake, signal);
      await child.exited;
      await said;
    } finally {
      clearTimeout(killing);
      signal.removeEventListener("abort", end);
      killGroup(child, "SIGKILL");
      this.running = undefined;
    }
    this.lastEnd = child.signalCode === null ? `code ${child.exitCode}` : `signal ${child.signalCode}`;
    if (signal.aborted) return;
    report(this.config.restart ? signals.ended : signals.over, { component: name, end: this.lastEnd });
  }

  private spawn(): Running {
    const words = wordsOf(this.config);
    try {
      return Bun.spawn([...words], {
        stdin: "ignore",
        stdout: "pipe",
        stderr: this.config.logStderr ? "pipe" : "ignore",
        // A group of its own: what a shell starts is ended with it.
        detached: true,
      });
    } catch (cause) {
      throw new AppError(codes.EDGE_EXEC, `run ${words[0]}`, { cause });
    }
  }

  private async readLines(
    reader: { read(): Promise<{ readonly value?: Uint8Array | undefined; readonly done: boolean }> },
    intake: Intake,
    signal: AbortSignal,
  ): Promise<void> {
    const frames = new LineFrames(this.config);
    const output = new LineIntake(intake, {});
    let held: Buffer = Buffer.alloc(0);
    for (let isOver = false; !isOver; ) {
      const { value, done } = await reader.read();
      isOver = done;
      if (value !== undefined)
        held =
          held.length === 0 ? Buffer.from(value.buffer, value.byteOffset, value.length) : Buffer.concat([held, value]);
      if (!(await hasRoom(intake, signal))) return;
      held = held.subarray(frames.split(held, output, isOver));
    }
  }

  private async sayStderr(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    const { report, name } = this.context;
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      for (const line of decoder.decode(chunk).split("\n")) {
        if (line !== "") report(signals.stderr, { component: name, line: line.slice(0, stderrLineMax) });
      }
    }
  }
}

function wordsOf({ command, shell }: Config): readonly string[] {
  const text = typeof command === "string" ? command : command.join(" ");
  if (shell !== undefined) return [...shell.trim().split(/\s+/), text];
  return typeof command === "string" ? command.trim().split(/\s+/) : command;
}

function killGroup(child: Running, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone.
  }
}
