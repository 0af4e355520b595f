/** The command in a real terminal. */
import type { ReplayArguments } from "./arguments.ts";
import { centralAsked } from "./central-asked.ts";
import { runReplayVerb } from "./verbs.ts";

const lookEveryMs = 1_000;
/** Where lines stay, in a file or a pipe, one so often is enough. */
const lineEveryMs = 10_000;

/** Runs it; SIGINT and SIGTERM end the watching, and nothing of the replay. Gives the exit code. */
export async function replayCommand(words: ReplayArguments): Promise<number> {
  const left = new AbortController();
  const leave = () => left.abort();
  process.once("SIGINT", leave);
  process.once("SIGTERM", leave);
  const { stdout, stderr } = process;
  const isTerminal = stdout.isTTY === true;
  let saidMs = Number.NEGATIVE_INFINITY;
  const clear = isTerminal ? "\r\u001b[K" : "";
  await runReplayVerb(words, centralAsked(words.asking, process.env), {
    say: (line) => void stdout.write(`${clear}${line}\n`),
    show: (line) => {
      if (isTerminal) {
        stdout.write(`${clear}${line.slice(0, Math.max(20, stdout.columns - 1))}`);
        return;
      }
      if (performance.now() - saidMs < lineEveryMs) return;
      saidMs = performance.now();
      stdout.write(`${line}\n`);
    },
    warn: (line) => void stderr.write(`${clear}${line}\n`),
    left: left.signal,
    lookEveryMs,
  });
  return left.signal.aborted ? 130 : 0;
}
