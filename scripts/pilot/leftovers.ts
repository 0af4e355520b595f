/**
 * What a start that was itself killed with -9 has left running. Each process is written down with the moment it was
 * started, so that a pid that belongs to somebody else by now is never touched.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { until } from "../../shared/testing/until.ts";

interface Noted {
  readonly name: string;
  readonly pid: number;
  /** Field 22 of /proc/PID/stat (proc(5)): clock ticks from boot to its start. */
  readonly startTicks: string;
}

/** The list in a file. */
export class Leftovers {
  private readonly noted = new Map<string, Noted>();

  constructor(private readonly file: string) {}

  /**
   * Ends what an earlier start has left; -9, which everything here must bear.
   *
   * @returns the names of what was ended.
   */
  async end(): Promise<string[]> {
    const earlier: Noted[] = existsSync(this.file) ? JSON.parse(readFileSync(this.file, "utf8")) : [];
    const alive = earlier.filter(({ pid, startTicks }) => startTicksOf(pid) === startTicks);
    for (const { pid } of alive) process.kill(pid, "SIGKILL");
    for (const { name, pid, startTicks } of alive) {
      await until(
        `${name} of an earlier start to end`,
        () => startTicksOf(pid),
        (ticks) => ticks !== startTicks,
      );
    }
    return alive.map(({ name }) => name);
  }

  /** Writes down a process that was just started, in the place of an earlier one of that name. */
  note(name: string, pid: number | undefined): void {
    const startTicks = pid === undefined ? undefined : startTicksOf(pid);
    if (pid === undefined || startTicks === undefined) return;
    this.noted.set(name, { name, pid, startTicks });
    writeFileSync(`${this.file}.new`, JSON.stringify([...this.noted.values()]));
    renameSync(`${this.file}.new`, this.file);
  }
}

/** Undefined when there is no such process, or only its corpse. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name in parentheses may hold anything: the fields are counted from behind it.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : fields[18];
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && (thrown.code === "ENOENT" || thrown.code === "ESRCH")) {
      return undefined;
    }
    throw thrown;
  }
}
