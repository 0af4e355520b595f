/** The command line of central: reads the config, runs, and is the only one that sets the exit code. */
import { systemClock } from "../shared/clock/clock.ts";
import { AppError, messageOf } from "../shared/errors/app-error.ts";
import { outputTaken, watchOutput } from "../shared/system/standard-output.ts";
import { createLog } from "../shared/telemetry/log.ts";
import { parseArguments } from "./arguments.ts";
import { askedBySignals } from "./asked.ts";
import { runCentral } from "./central.ts";
import { loadConfig } from "./config/load.ts";
import { exitCode, outputEnded, told } from "./failure.ts";
import { helpText } from "./help.ts";
import { installService } from "./service-install.ts";
import { failed, stoppedLate } from "./telemetry.ts";

process.exit(await main());

async function main(): Promise<number> {
  try {
    const words = parseArguments(process.argv.slice(2));
    if (words.verb !== "run") watchOutput((error) => process.exit(outputEnded(error)));
    if (words.verb === "help") {
      process.stdout.write(helpText());
      await outputTaken();
      return 0;
    }
    if (words.verb === "service install") {
      process.stdout.write(installService(words, (file) => loadConfig({ file, environment: {} })));
      await outputTaken();
      return 0;
    }
    if ("asking" in words) return await (await import("./replay-command/main.ts")).replayCommand(words);
    if (words.verb !== "run") {
      const { checkRules, testRules } = await import("./rules/check/verbs.ts");
      const code = await (words.verb === "rules check" ? checkRules : testRules)(words.file);
      await outputTaken();
      return code;
    }
    // Whatever is made from here on is the service's own: the store, its log, the lake.
    process.umask(0o077);
    const config = loadConfig({ file: words.config, environment: process.env });
    const write = (line: string) => process.stderr.write(`${line}\n`);
    const report = createLog({ ...config.log, clock: systemClock, write });
    const asked = askedBySignals(() => process.exit(130));
    try {
      await runCentral(config, report, asked);
      return 0;
    } catch (thrown) {
      const hint = thrown instanceof AppError ? thrown.hint : undefined;
      report(asked.stop.aborted ? stoppedLate : failed, { error: messageOf(thrown), hint });
      return exitCode(thrown);
    }
  } catch (thrown) {
    return told(thrown);
  }
}
