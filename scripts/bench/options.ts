import { parseArgs } from "node:util";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";

/** What the command line asked for. */
export interface Options {
  /** Names of cases; empty means all that `big` and `soak` allow. */
  readonly cases: readonly string[];
  readonly lines: number;
  readonly runs: number;
  /** Seconds of each case that writes at a steady rate. */
  readonly seconds: number;
  /** Products to run beside ours. */
  readonly peers: readonly string[];
  readonly quick: boolean;
  readonly big: boolean;
  readonly soak: boolean;
  /** A directory on the device whose writes are counted. */
  readonly dataDir: string | undefined;
  /** Count the device's sectors, which takes a sync before and after each measurement. */
  readonly disk: boolean;
  /** Render the pages from stored results and measure nothing. */
  readonly renderOnly: boolean;
  readonly help: boolean;
}

/** The text of `--help`, for the cases and peers that there are. */
export function helpText(cases: readonly { name: string; about: string }[], peers: readonly string[]): string {
  const width = Math.max(...cases.map(({ name }) => name.length));
  return `npm run bench -- [options]

Measures the compiled edge and its peers on a real Kafka, and writes edge/BENCHMARKS.md and central/BENCHMARKS.md.

  --case NAME,…    only these cases (default: all but the big ones and the soak)
  --lines N        lines of the throughput cases (default 1000000)
  --runs N         runs of each, of which the median is shown (default 5)
  --seconds N      length of the cases at a steady rate (default 60)
  --peers LIST     none, or some of ${peers.join(",")} (default: all)
  --quick          100000 lines, 1 run, 10 s: a look, not a measurement; stores and renders nothing
  --big            also the cases that need tens of gigabytes of disk and memory
  --soak           also a day of pilot traffic at 100 times its speed (15 minutes)
  --data-dir DIR   where agents keep their data; the device under it is the one whose sectors are counted
  --no-disk        do not count the device's sectors: no sync before and after each measurement
  --render         write the pages anew from the stored results
  --help

Cases:
${cases.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join("\n")}

Single cases can be run again at any time: results are stored one file a case in scripts/bench/results. Let nothing
else run meanwhile: CPU seconds bear company, times and the device's sectors do not.`;
}

/**
 * Reads the command line.
 *
 * @throws AppError `USAGE` naming what is wrong.
 */
export function parseOptions(argv: readonly string[], caseNames: readonly string[], peers: readonly string[]): Options {
  const values = readFlags(argv);
  const quick = values.quick ?? false;
  return {
    cases: names("--case", values.case, caseNames),
    lines: count("--lines", values.lines, quick ? 100_000 : 1_000_000),
    runs: count("--runs", values.runs, quick ? 1 : 5),
    seconds: count("--seconds", values.seconds, quick ? 10 : 60),
    peers: values.peers === "none" ? [] : values.peers === undefined ? peers : names("--peers", values.peers, peers),
    quick,
    big: values.big ?? false,
    soak: values.soak ?? false,
    dataDir: values["data-dir"],
    disk: !(values["no-disk"] ?? false),
    renderOnly: values.render ?? false,
    help: values.help ?? false,
  };
}

function readFlags(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        case: { type: "string" },
        lines: { type: "string" },
        runs: { type: "string" },
        seconds: { type: "string" },
        peers: { type: "string" },
        quick: { type: "boolean" },
        big: { type: "boolean" },
        soak: { type: "boolean" },
        "data-dir": { type: "string" },
        "no-disk": { type: "boolean" },
        render: { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (thrown) {
    throw new AppError("USAGE", `read the command line: ${messageOf(thrown)}`, { cause: thrown });
  }
}

function names(flag: string, text: string | undefined, known: readonly string[]): readonly string[] {
  const given = (text ?? "").split(",").filter((name) => name !== "");
  const unknown = given.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new AppError("USAGE", `${flag}: there is no ${unknown.join(", ")}; known: ${known.join(", ")}`);
  }
  return given;
}

function count(flag: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isSafeInteger(value) || value < 1) throw new AppError("USAGE", `${flag}: ${text} is not a whole number`);
  return value;
}
