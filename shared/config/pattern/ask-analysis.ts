import { join } from "node:path";
import { messageOf } from "../../errors/app-error.ts";
import { Analysis } from "./analyse.ts";

/**
 * The verb of a compiled binary under which it runs the analysis: `<binary> pattern --json <source> [<flags>]`
 * prints one verdict. Not compiled, the analysis file itself is run.
 */
export const ANALYSIS_VERB = "pattern";

const timeoutMs = 10_000;
const known = new Map<string, Analysis>();

/**
 * Has the pattern analysed in a child process and waits for it (a fraction of a second; only at start and reload, and
 * once per pattern). Whatever goes wrong is the verdict `unknown`: the safe engine takes over then.
 */
export function askAnalysis(source: string, flags: string): Analysis {
  const key = `${flags}/${source}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const verdict = ask(source, flags);
  known.set(key, verdict);
  return verdict;
}

function ask(source: string, flags: string): Analysis {
  const compiled = Bun.main.startsWith("/$bunfs/");
  const command = compiled
    ? [process.execPath, ANALYSIS_VERB, "--json", "--", source, flags]
    : [process.execPath, join(import.meta.dir, "analyse.ts"), source, flags];
  try {
    const child = Bun.spawnSync(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: timeoutMs });
    if (!child.success) return unknown(`the analysis ended with ${child.exitCode ?? child.signalCode}`);
    return Analysis.parse(JSON.parse(child.stdout.toString()));
  } catch (thrown) {
    return unknown(messageOf(thrown));
  }
}

function unknown(detail: string): Analysis {
  return { status: "unknown", detail };
}
