import { existsSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Subprocess } from "bun";

/** What to run. */
export interface ChildOptions {
  readonly command: readonly string[];
  readonly cwd?: string;
  /** Added to this process's environment; `undefined` takes a name out of it. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How it is called in error messages; the command's first word when not given. */
  readonly name?: string;
  /** Sees each line of output as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** How a process ended: a code, or the signal that ended it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | number | null;
}

const keptBytesMax = 4 * 1024 * 1024;
const freezeMsMax = 2_000;

/**
 * A real process under test. It runs in a process group of its own (a Ctrl-C in the terminal does not reach it) and is
 * killed with -9, its whole group, when the scope that started it ends: `await using edge = startChild({...})`.
 * It does not outlive us either when we are killed ourselves: a broker that nobody asks any more would go on working
 * and slow down whatever is measured or tried after it.
 */
export class Child implements AsyncDisposable {
  readonly pid: number;
  /** Resolves when the process has ended and all its output was read. */
  readonly exited: Promise<Exit>;
  /** Set once it has ended. */
  exit: Exit | undefined;
  private readonly process: Subprocess<"ignore", "pipe", "pipe">;
  private readonly text = { stdout: "", stderr: "" };
  private readonly watchers = new Set<(line: string) => void>();

  constructor(private readonly options: ChildOptions) {
    const env = { ...process.env, ...options.env };
    this.process = Bun.spawn([...diesWithUs(options.command, env.PATH), ...options.command], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
    this.pid = this.process.pid;
    running.add(this);
    const outputRead = Promise.all([
      this.collect(this.process.stdout, "stdout"),
      this.collect(this.process.stderr, "stderr"),
    ]);
    this.exited = this.process.exited.then(async () => {
      // A grandchild may hold the pipes open: output that comes later than this is of no interest.
      await Promise.race([outputRead, Bun.sleep(2_000)]);
      const exit: Exit = { code: this.process.exitCode, signal: this.process.signalCode };
      this.exit = exit;
      running.delete(this);
      return exit;
    });
  }

  /** What it wrote so far (the last 4 MB). */
  get stdout(): string {
    return this.text.stdout;
  }

  get stderr(): string {
    return this.text.stderr;
  }

  /** What it has computed so far, all threads; while it runs. */
  get cpuSeconds(): number {
    return ticksOf(readFileSync(`/proc/${this.pid}/stat`, "latin1")) / 100;
  }

  get name(): string {
    return this.options.name ?? this.options.command[0] ?? "child";
  }

  /**
   * The first line, already written or still to come, that matches.
   *
   * @throws Error when the process ends first or the deadline (10 s when not given) passes, with the end of its output.
   */
  async waitForLine(pattern: RegExp | string, withinMs = 10_000): Promise<string> {
    const matches = (line: string) => (typeof pattern === "string" ? line.includes(pattern) : pattern.test(line));
    const already = `${this.text.stdout}\n${this.text.stderr}`.split("\n").find(matches);
    if (already !== undefined) return already;
    return new Promise<string>((resolve, reject) => {
      const settle = (finish: () => void) => {
        clearTimeout(timer);
        this.watchers.delete(watch);
        finish();
      };
      const fail = (what: string) =>
        settle(() => reject(new Error(`wait for ${pattern} from ${this.name}: ${what}\n${this.tail()}`)));
      const watch = (line: string) => {
        if (matches(line)) settle(() => resolve(line));
      };
      const timer = setTimeout(() => fail(`not seen within ${withinMs} ms`), withinMs);
      this.watchers.add(watch);
      this.exited.then((exit) => fail(`it ended (code ${exit.code}, signal ${exit.signal})`));
    });
  }

  /** Sends a signal to the process alone. */
  signal(signal: NodeJS.Signals): void {
    if (this.exit === undefined) this.process.kill(signal);
  }

  /** SIGKILL, as a crash or a power cut would end it; resolves when it is gone. */
  async kill(): Promise<void> {
    this.signalGroup("SIGKILL");
    await this.exited;
  }

  /** SIGTERM, and what the process makes of it. Killed after the deadline (30 s when not given), which is an error. */
  async stop(withinMs = 30_000): Promise<Exit> {
    this.signal("SIGTERM");
    const timer = setTimeout(() => this.signalGroup("SIGKILL"), withinMs);
    const exit = await this.exited;
    clearTimeout(timer);
    if (exit.signal === "SIGKILL") throw new Error(`stop ${this.name}: killed after ${withinMs} ms\n${this.tail()}`);
    return exit;
  }

  /** SIGSTOP: alive, and deaf; on return no thread of it runs, so nothing that is asked from now on is answered. */
  freeze(): void {
    this.signal("SIGSTOP");
    const deadline = performance.now() + freezeMsMax;
    while (this.exit === undefined && isRunning(this.pid) && performance.now() < deadline) Bun.sleepSync(1);
  }

  /** SIGCONT: goes on as if nothing had been. */
  thaw(): void {
    this.signal("SIGCONT");
  }

  /** The end of its output, for error messages. */
  tail(characters = 3_000): string {
    const parts = [this.text.stdout, this.text.stderr].filter((text) => text !== "");
    return parts.map((text) => text.slice(-characters)).join("\n--- stderr:\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** Synchronous, for the last moment of our own process. */
  signalGroup(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, constants.signals[signal]);
    } catch (thrown) {
      // ESRCH: it has ended already, which is what was wanted.
      if (!(thrown instanceof Error && "code" in thrown && thrown.code === "ESRCH")) throw thrown;
    }
  }

  private async collect(stream: ReadableStream<Uint8Array>, into: "stdout" | "stderr"): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const text = decoder.decode(chunk, { stream: true });
      this.text[into] = (this.text[into] + text).slice(-keptBytesMax);
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        this.options.onLine?.(line, into);
        for (const watch of [...this.watchers]) watch(line);
      }
    }
  }
}

/** Starts a process. */
export function startChild(options: ChildOptions): Child {
  return new Child(options);
}

// Whatever ends this process, even an exit in the middle of a test: nothing that it started outlives it.
const running = new Set<Child>();
process.on("exit", () => {
  for (const child of running) child.signalGroup("SIGKILL");
});

/**
 * The words before a command that make the kernel kill it when its parent is gone (PR_SET_PDEATHSIG of prctl(2)). It
 * stays the same process. None where `setpriv` of util-linux is missing, and for a program that is not there: the error
 * is then about that program.
 */
function diesWithUs(command: readonly string[], path: string | undefined): readonly string[] {
  const setpriv = Bun.which("setpriv");
  const found = Bun.which(command[0] ?? "", path === undefined ? {} : { PATH: path }) !== null;
  return setpriv !== null && found ? [setpriv, "--pdeathsig", "KILL"] : [];
}

/** User and system time of all its threads, in hundredths of a second: fields 14 and 15 of proc_pid_stat(5). */
function ticksOf(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Whether a thread of the process is neither stopped nor gone (proc_pid_stat(5): the state stands after the name). */
function isRunning(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).some((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "latin1");
      return !"TtZX".includes(stat.charAt(stat.lastIndexOf(")") + 2));
    });
  } catch {
    // A thread, or all of it, ended while we looked.
    return existsSync(`/proc/${pid}`);
  }
}
