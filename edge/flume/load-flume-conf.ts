/**
 * From a flume.conf to a config that is complete and valid, or to everything that is wrong with it at once. The agent is
 * converted to our own config, and that is read as any config is; what is said of it is said at the place in flume.conf.
 */
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { suggest } from "../../shared/config/nearest.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { type Pipes, readNamed, readNamedText, textBytesMax, withPipes } from "../../shared/files/read-named.ts";
import { fileHint } from "../../shared/files/refusal.ts";
import type { Registry } from "../config/agent-config.ts";
import type { Environment } from "../config/interpolate.ts";
import { type Loaded, parseConfig } from "../config/load-config.ts";
import type { Problem } from "../config/problem.ts";
import { agentNames, Complaints, type FlumeEntry, readAgent } from "./agent-file.ts";
import { type Converted, convert } from "./convert.ts";
import { readFlumeEnv } from "./flume-env.ts";
import { loadMappings } from "./mappings.ts";
import { readProperties } from "./properties.ts";
import { writeYaml } from "./write-yaml.ts";

/** What to read, and in which surroundings. */
export interface FlumeConf {
  readonly path: string;
  /** The agent; undefined: the only one there is. */
  readonly agent: string | undefined;
  /** Where our own files go; undefined: below /var/lib/tailgate. */
  readonly dataDir: string | undefined;
  readonly registry: Registry;
  readonly environment: Environment;
  /** Where relative paths begin: Flume takes the folder that it was started in. */
  readonly folder: string;
  /** Whether what it says may come out of pipes, as it does unless told otherwise. */
  readonly pipes?: Pipes | undefined;
}

/** What came of it. */
export interface LoadedFlume {
  readonly loaded: Loaded;
  /** The config as we would write it; undefined when there is no sense in it. */
  readonly yaml: string | undefined;
  /** What Flume passes over in silence, and so do we, but say: `check --strict` refuses it. */
  readonly doubts: readonly Problem[];
  /** Keys that mean nothing here. */
  readonly nothings: readonly Problem[];
}

/** Loads one agent of a flume.conf. */
export async function loadFlumeConf(conf: FlumeConf): Promise<LoadedFlume> {
  const { path, registry, folder } = conf;
  const refused = (problems: readonly Problem[], doubts: readonly Problem[] = []): LoadedFlume => ({
    loaded: { ok: false, problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) },
    yaml: undefined,
    doubts,
    nothings: [],
  });
  const pipes = conf.pipes ?? "wait";
  let bytes: Buffer;
  try {
    bytes = readNamed(path, { bytesMax: textBytesMax, pipes });
  } catch (thrown) {
    return refused([unreadable(path, thrown)]);
  }
  const complaints = new Complaints(path);
  const file = readProperties(path, bytes);
  complaints.mistakes.push(...file.mistakes);
  complaints.doubts.push(...file.doubts);
  const env = envBeside(path, conf.environment, complaints);
  complaints.doubts.push(...env.doubts);
  const environment = { ...env.variables, ...conf.environment };
  const names = agentNames(file);
  const name = conf.agent ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined || !names.includes(name)) {
    if (complaints.failed) return refused(complaints.mistakes, complaints.doubts);
    return refused([noAgent(path, conf.agent, names)], complaints.doubts);
  }
  const agent = readAgent(file, name, { environment, system: env.system }, complaints);
  const converted = convert(agent, {
    mappings: await loadMappings(registry),
    say: complaints,
    dataDir: conf.dataDir ?? `/var/lib/tailgate/${name}`,
    folder,
    home: environment.HOME ?? "/root",
    system: env.system,
  });
  const doubts = complaints.doubts.toSorted((a, b) => a.line - b.line || a.column - b.column);
  if (complaints.failed) return refused(complaints.mistakes, doubts);
  const head = [`Converted from ${path}, agent ${name}.`];
  const yaml = writeYaml(converted, head, doubts);
  const loaded = withPipes(pipes, () => parseConfig(path, yaml, registry, environment));
  const nothings = converted.nothings.map(({ entry, why }) => {
    const { line, column } = entry.keyAt;
    return { file: path, line, column, key: entry.fullKey, message: `means nothing here: ${why}`, hint: undefined };
  });
  return { loaded: placed(loaded, converted), yaml, doubts, nothings };
}

function noAgent(path: string, agent: string | undefined, names: readonly string[]): Problem {
  const at = { file: path, line: 1, column: 1, key: "" };
  if (names.length === 0)
    return { ...at, message: "describes no agent", hint: "a line of one looks so: a1.sources = r1" };
  const all = `agents: ${names.join(", ")}`;
  if (agent === undefined) return { ...at, message: "describes several agents: say which with --name", hint: all };
  return { ...at, message: `describes no agent "${agent}"`, hint: suggest(agent, names, "agents") ?? all };
}

function unreadable(file: string, thrown: unknown): Problem {
  return { file, line: 1, column: 1, key: "", message: `read it: ${messageOf(thrown)}`, hint: fileHint(thrown) };
}

function envBeside(path: string, environment: Environment, complaints: Complaints) {
  const file = join(dirname(resolve(path)), "flume-env.sh");
  const none = { variables: {}, system: {}, doubts: [] };
  if (!existsSync(file)) return none;
  try {
    return readFlumeEnv(file, readNamedText(file, { bytesMax: textBytesMax, pipes: "refuse" }), environment);
  } catch (thrown) {
    complaints.mistakes.push(unreadable(file, thrown));
    return none;
  }
}

/** The same, with each problem at the place in flume.conf that it comes from. */
function placed(loaded: Loaded, converted: Converted): Loaded {
  const at = (problem: Problem) => place(problem, converted.origins);
  if (!loaded.ok) return { ok: false, problems: loaded.problems.map(at).toSorted((a, b) => a.line - b.line) };
  return { ...loaded, warnings: loaded.warnings.map(at), untrusted: loaded.untrusted.map(at) };
}

function place(problem: Problem, origins: ReadonlyMap<string, FlumeEntry>): Problem {
  for (let key = problem.key; key !== ""; key = key.replace(/(?:\[\d+\]|\.?[^.[\]]+)$/, "")) {
    const entry = origins.get(key);
    if (entry === undefined) continue;
    const { line, column } = entry.valueAt;
    // What is below the key is ours, and has no place of its own in the file.
    const below = problem.key.slice(key.length).replace(/^\./, "");
    const message = below === "" ? problem.message : `${below}: ${problem.message}`;
    return { ...problem, line, column, key: entry.fullKey, message };
  }
  return { ...problem, line: 1, column: 1 };
}
