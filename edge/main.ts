/**
 * `tailgate`: argv → verb. The only place that ends the process: 0 clean, 1 failed while running, 2 config or usage,
 * 70 our own broken assumption (EX_SOFTWARE of sysexits.h).
 */
import "./early-hangup.ts";
import "./early-restart.ts";
import { AppError, messageOf } from "../shared/errors/app-error.ts";
import { removeDamagedAddons } from "./commands/addon-guard.ts";

process.on("uncaughtException", (error) => fail("uncaught", error));
process.on("unhandledRejection", (error) => fail("unhandled", error));

for (const path of await removeDamagedAddons(process.env)) {
  process.stderr.write(`removed ${path}: a damaged copy of this binary's own addon; it is unpacked anew\n`);
}
try {
  // Loads every component, and with them the SQLite addon: not before it was looked at.
  const { runCommandLine } = await import("./command-line.ts");
  process.exit(await runCommandLine(process.argv.slice(2)));
} catch (error) {
  fail("failed", error);
}

function fail(what: string, error: unknown): never {
  // Whoever read our output has seen enough (`| head`). The agent itself does not live for its readers.
  if (error instanceof Error && "code" in error && error.code === "EPIPE" && process.argv[2] !== "run") process.exit(0);
  process.stderr.write(`${describe(what, error)}\n`);
  process.exit(exitCodeOf(error));
}

function exitCodeOf(error: unknown): number {
  if (isAddonError(error)) return 2;
  if (!(error instanceof AppError)) return 70;
  if (error.severity === "usage") return 2;
  return error.severity === "invariant" ? 70 : 1;
}

function describe(what: string, error: unknown): string {
  if (error instanceof AppError && error.severity !== "invariant") {
    return `tailgate: ${messageOf(error)} [${error.code}]\n  ${error.hint}`;
  }
  if (isAddonError(error)) {
    return `tailgate: load the SQLite addon: ${error.message}\n  It is unpacked into $BUN_TMPDIR, $TMPDIR or /tmp, which must allow exec: set BUN_TMPDIR to a folder that does.`;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `tailgate: ${what}: ${messageOf(error)}\n${stack}`;
}

/** The place where the binary unpacks its addon does not allow it: for whoever runs it to change. */
function isAddonError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && error.code === "ERR_DLOPEN_FAILED";
}
