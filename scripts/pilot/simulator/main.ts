/**
 * The pilot simulator from the command line.
 *
 *     bun scripts/pilot/simulator/main.ts --out /tmp/pilot
 *     bun scripts/pilot/simulator/main.ts --out /tmp/pilot --lines 1000000 --fast --no-status --garbage 0.01
 */
import { parseArgs } from "node:util";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import type { SimulatorOptions } from "./options.ts";
import { simulate } from "./simulate.ts";

const usage = `usage: bun scripts/pilot/simulator/main.ts --out DIR [options]
  --cars 100              cars, and drivers
  --rate 1                driving lines of one car per second of event time
  --speed 100x            lines are written this much faster than event time
  --lines N               end when the driving log has N lines, earlier runs included
  --for 60                end after so many seconds
  --fast                  write as fast as can be
  --rotate rename         or copytruncate
  --rotate-lines 20000    lines of one driving log file
  --keep 5                rotated files that are kept
  --garbage 0.01          share of garbage lines
  --line-bytes 4000       fill driving lines up to this size
  --status-every 60       seconds between two status files (a day divided by the speed)
  --reports-per-day 1200  reports of one car in one status file
  --no-status             driving data only
  --seed 1`;

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    cars: { type: "string" },
    rate: { type: "string" },
    speed: { type: "string" },
    lines: { type: "string" },
    for: { type: "string" },
    fast: { type: "boolean" },
    rotate: { type: "string" },
    "rotate-lines": { type: "string" },
    keep: { type: "string" },
    garbage: { type: "string" },
    "line-bytes": { type: "string" },
    "status-every": { type: "string" },
    "reports-per-day": { type: "string" },
    "no-status": { type: "boolean" },
    seed: { type: "string" },
    help: { type: "boolean", short: "h" },
  },
});

function options(): SimulatorOptions {
  const { out, rotate = "rename" } = values;
  if (out === undefined) throw new AppError("USAGE", "simulate: --out is needed", { hint: usage });
  if (rotate !== "rename" && rotate !== "copytruncate") {
    throw new AppError("USAGE", `simulate: --rotate ${rotate} is neither rename nor copytruncate`);
  }
  const statusEvery = number("status-every");
  return {
    out,
    rotate,
    ...given("seed", number("seed")),
    ...given("cars", number("cars")),
    ...given("rate", number("rate")),
    ...given("speed", number("speed")),
    ...given("lines", number("lines")),
    ...given("fast", values.fast),
    ...given("rotateLines", number("rotate-lines")),
    ...given("keep", number("keep")),
    ...given("garbage", number("garbage")),
    ...given("lineBytes", number("line-bytes")),
    ...given("reportsPerDay", number("reports-per-day")),
    ...given("statusEveryMs", statusEvery === undefined ? undefined : statusEvery * 1000),
    ...given("statusFiles", values["no-status"] === true ? 0 : undefined),
  };
}

function number(name: Exclude<keyof typeof values, "fast" | "no-status" | "help">): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = Number(text.replace(/x$/, ""));
  if (Number.isFinite(value) && value >= 0) return value;
  throw new AppError("USAGE", `simulate: --${name} ${text} is not a number`);
}

function given<K extends string, V>(name: K, value: V | undefined): { [key in K]?: V } {
  const object: { [key in K]?: V } = {};
  if (value !== undefined) object[name] = value;
  return object;
}

if (values.help === true) {
  console.log(usage);
} else {
  try {
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
    const seconds = number("for");
    const timer = seconds === undefined ? undefined : setTimeout(() => stop.abort(), seconds * 1000);
    const { driving, status } = await simulate(options(), stop.signal);
    clearTimeout(timer);
    console.log(`${driving} lines of driving data and ${status} of device status are written`);
  } catch (thrown) {
    console.error(messageOf(thrown));
    if (thrown instanceof AppError) console.error(thrown.hint);
    process.exit(2);
  }
}
