import { outputError, outputTaken, watchOutput } from "../shared/system/standard-output.ts";
import { visible } from "../shared/telemetry/visible.ts";
import { dispatch } from "./commands/dispatch.ts";
import { commands } from "./commands/index.ts";
import { registry } from "./registry.gen.ts";

/**
 * Runs the verb that the arguments name; answers the exit code. A module of its own, because importing it loads the
 * components and with them the SQLite addon: `main.ts` looks at that first.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const isService = args[0] === "run";
  if (!isService) watchOutput(raise);
  const exitCode = await dispatch(args, commands, {
    registry,
    environment: process.env,
    // What is shown was chosen by others: names of files, contents of lines. (`outBytes` gives them as they are.)
    out: (text) => void process.stdout.write(visible(text, true)),
    outBytes: (bytes) =>
      new Promise((resolve, reject) => {
        process.stdout.write(bytes, (error) => (error ? reject(outputError(error)) : resolve()));
      }),
    err: (text) => void process.stderr.write(visible(text, true)),
    screen: process.stdout.isTTY ? draw : undefined,
  });
  if (!isService) await outputTaken();
  return exitCode;
}

/** For the one place that ends the process. */
function raise(error: Error): never {
  throw error;
}

/** From the upper left corner, each line to its end, then nothing below. */
function draw(lines: readonly string[]): void {
  const { columns = 80, rows = 24 } = process.stdout;
  const shown = lines.slice(0, rows - 1).map((line) => `${visible(line).slice(0, columns)}\u001b[K\n`);
  process.stdout.write(`\u001b[H${shown.join("")}\u001b[J`);
}
