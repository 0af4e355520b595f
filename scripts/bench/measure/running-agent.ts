import { linkSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import type { Agent, Flow, Plan, Task } from "../agents/agent.ts";
import type { Bench } from "../bench.ts";
import { codes } from "../codes.ts";
import { readUsage, type Usage } from "../meters/process.ts";
import { metricOf } from "../meters/prometheus.ts";
import { warmLine } from "../workload/lines.ts";
import { writeAtOnce } from "../workload/paced-writer.ts";

/** How the process is started. */
export interface Launch {
  /** Put before the command: `taskset`, `nice`. They exec, so the process is the agent's. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a run needs. */
export interface RunOptions {
  readonly agent: Agent;
  readonly flow: Flow;
  readonly topic: string;
  /** Through the wire meter, or straight to the broker where the meter's own work would disturb. */
  readonly metered: boolean;
  readonly launch?: Launch;
  /** A file that lies in the log directory before the agent is started. */
  readonly present?: string;
}

/** What the file of lines is called in the log directory. */
export const inputName = "drive.log";
const warmLines = 20;

/** An agent at work in directories of its own, which go with it. */
export class RunningAgent implements AsyncDisposable {
  private constructor(
    private readonly bench: Bench,
    readonly options: RunOptions,
    readonly task: Task,
    private readonly plan: Plan,
    private child: Child,
  ) {}

  static async start(bench: Bench, options: RunOptions): Promise<RunningAgent> {
    const home = mkdtempSync(join(bench.place.data, `${options.agent.product}-`));
    const logs = mkdtempSync(join(bench.place.fast, "logs-"));
    const task: Task = {
      home,
      logs,
      topic: options.topic,
      bootstrap: options.metered ? bench.broker.address : bench.broker.internalAddress,
      flow: options.flow,
      adminPort: await freePort(),
    };
    const plan = options.agent.plan(task);
    for (const [name, text] of Object.entries(plan.files)) writeFileSync(join(home, name), text);
    if (options.present !== undefined) linkSync(options.present, join(logs, inputName));
    return new RunningAgent(bench, options, task, plan, launch(options, plan));
  }

  get pid(): number {
    return this.child.pid;
  }

  /** What it used so far. @throws AppError `BENCH_FAILED` with the end of its log when it has ended by itself. */
  usage(): Usage {
    if (this.child.exit !== undefined) {
      throw new AppError(codes.BENCH_FAILED, `${this.options.agent.name} ended by itself\n${this.child.tail()}`);
    }
    return readUsage(this.pid);
  }

  /**
   * Gives it a first file of a few lines and waits until they are in the topic: then files are watched, the broker is
   * connected and code is loaded, whatever the agent.
   */
  async warmUp(files = 1): Promise<number> {
    for (let file = 0; file < files; file++) {
      const lines = Array.from({ length: warmLines }, (_, n) => warmLine(file * warmLines + n, systemClock.now()));
      writeAtOnce(join(this.task.logs, `warm-${file}.log`), lines);
    }
    const expected = files * warmLines;
    const held = await this.bench.topics.fill(this.options.topic, expected, 60_000);
    this.usage();
    if (held >= expected) return expected;
    const name = this.options.agent.name;
    throw new AppError(codes.BENCH_FAILED, `warm up ${name}: ${held} of ${expected} lines came\n${this.child.tail()}`);
  }

  /** Waits until it does next to nothing: under 2 % of a core for 2 s. */
  async quiet(withinMs = 600_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    let before = this.usage().cpuSeconds;
    while (performance.now() < deadline) {
      await Bun.sleep(2_000);
      const after = this.usage().cpuSeconds;
      if (after - before <= 0.04) return;
      before = after;
    }
  }

  /** Its own event loop lag at the 99th percentile, milliseconds; undefined for agents without one. */
  async lagP99Ms(): Promise<number | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.task.adminPort}/metrics`, {
        signal: AbortSignal.timeout(2000),
      });
      const lag = metricOf(await answer.text(), "tailgate_event_loop_lag_seconds", { quantile: "0.99" });
      return lag === undefined ? undefined : lag * 1000;
    } catch {
      // Peers listen on no admin port; for ours the page then shows no lag, which is seen.
      return undefined;
    }
  }

  /** SIGTERM: it drains and ends by itself. */
  async stop(): Promise<void> {
    await this.child.stop();
  }

  /** One number of its own metrics, 0 when it has none of that name. */
  async metric(name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.task.adminPort}/metrics`);
    return metricOf(await answer.text(), name) ?? 0;
  }

  /** SIGKILL, in the middle of whatever it does. */
  async kill(): Promise<void> {
    await this.child.kill();
  }

  /** The same command on the same state again. */
  start(): void {
    this.child = launch(this.options, this.plan);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child.kill();
    for (const path of [this.task.home, this.task.logs]) rmSync(path, { recursive: true, force: true });
  }
}

function launch({ agent, launch: how }: RunOptions, plan: Plan): Child {
  return startChild({
    name: agent.name,
    command: [...(how?.prefix ?? []), ...plan.command],
    env: { ...plan.env, ...how?.env },
  });
}
