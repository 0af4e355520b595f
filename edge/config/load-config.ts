/**
 * From a file to a config that is complete and valid, or to everything that is wrong with it at once. Reads files (the
 * config, secrets, modules) and touches none; opens no channel and no connection.
 */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { withBaseDirectory } from "../../shared/config/base-directory.ts";
import { recordingFiles } from "../../shared/config/files-read.ts";
import { markedFields } from "../../shared/config/marked-fields.ts";
import { REDACTED } from "../../shared/config/redact.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { type Pipes, readNamedText, textBytesMax, withPipes } from "../../shared/files/read-named.ts";
import { fileHint, systemCode } from "../../shared/files/refusal.ts";
import type { AgentConfig, HeartbeatConfig, Registry } from "./agent-config.ts";
import { crossRules } from "./cross-rules.ts";
import { ConfigDocument } from "./document.ts";
import type { Environment } from "./interpolate.ts";
import { problemsOf } from "./issues.ts";
import type { Problem } from "./problem.ts";
import { ComponentReader, type Components, withReread } from "./read-components.ts";
import { AgentSection } from "./schema.ts";
import type { PlacedTest } from "./test-cases.ts";
import { changeableFiles, openLinks, readableSecrets, self } from "./trust.ts";
import { warningsOf } from "./warnings.ts";

/** A config, or its mistakes in the order of their lines. */
export type Loaded =
  | {
      readonly ok: true;
      readonly config: AgentConfig;
      readonly warnings: readonly Problem[];
      /** What is refused unless the user says that it is meant. */
      readonly untrusted: readonly Problem[];
      /** Folders that its components write to, absolute. */
      readonly writes: readonly string[];
      /** Files whose text is part of it: secrets and certificates, absolute. */
      readonly reads: readonly string[];
      /** The config with all defaults and without secrets, for people. */
      readonly effective: Readonly<Record<string, unknown>>;
      /** Its `tests:`, for `tailgate test`. */
      readonly tests: readonly PlacedTest[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Loads a config file.
 *
 * @param pipes whether it and the secrets that it names may come out of pipes: at a start, not at a reload.
 */
export function loadConfig(path: string, registry: Registry, environment: Environment, pipes: Pipes = "wait"): Loaded {
  return withPipes(pipes, () => load(path, registry, environment));
}

function load(path: string, registry: Registry, environment: Environment): Loaded {
  let text: string;
  try {
    text = readNamedText(path, { bytesMax: textBytesMax });
  } catch (thrown) {
    const message = `read the config: ${messageOf(thrown)}`;
    return {
      ok: false,
      problems: [{ file: path, line: 1, column: 1, key: "", message, hint: unreadableHint(thrown) }],
    };
  }
  return parseConfig(path, text, registry, environment);
}

function unreadableHint(thrown: unknown): string | undefined {
  switch (systemCode(thrown)) {
    case "ENOENT":
    case "ENOTDIR":
      return "name it (`--config FILE`, or TAILGATE_CONFIG), or begin with `tailgate init tail/kafka > FILE`";
    default:
      return fileHint(thrown);
  }
}

/** The same for a text that is at hand; `path` says what relative paths in it mean. */
export function parseConfig(path: string, text: string, registry: Registry, environment: Environment): Loaded {
  const { value, files } = recordingFiles(() =>
    withBaseDirectory(dirname(resolve(path)), () => read(new ConfigDocument(path, text, environment), registry)),
  );
  if (!value.ok) return value;
  const ownFiles = [resolve(path), ...files.keys()];
  const untrusted = [...changeableFiles(existing(ownFiles), self()), ...value.untrusted];
  return {
    ...value,
    reads: [...files].flatMap(([file, use]) => (use === "program" ? [] : [file])),
    config: { ...value.config, ownFiles },
    warnings: [...value.warnings, ...readableSecrets(files)],
    untrusted,
  };
}

/** A text that is at hand has no file. */
function existing(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => existsSync(path));
}

function read(document: ConfigDocument, registry: Registry): Loaded {
  if (document.broken) return refused(document.problems);
  const { root } = document;
  if (!isMap(root)) return refused([document.problem([], "the file holds no config", "see `tailgate init`")]);
  const problems = [...document.problems];
  const agent = readAgent(document, root, problems);
  const reader = new ComponentReader(document, registry);
  const components = reader.read(root);
  problems.push(...reader.problems, ...crossRules({ document, agent, components }));
  if (agent === undefined || problems.length > 0) return refused(firstOfEach(problems, document.problems));
  return {
    ok: true,
    config: assemble(agent, components),
    warnings: warningsOf(document, agent, components).toSorted(byPlace),
    untrusted: openLinks(document, components),
    writes: writesOf(components),
    reads: [],
    effective: hidden(effectiveOf(agent, components), document),
    tests: agent.tests.map((each, index) => ({
      ...each,
      places: each.events.map((_, number) => document.positionOf(["tests", index, "events", number], "value")),
    })),
  };
}

function writesOf({ definitions, shown }: Components): readonly string[] {
  return [...definitions].flatMap(([place, { config }]) =>
    markedFields(config, shown.get(place), "writes").map(({ value }) => String(value)),
  );
}

/** What came from a variable or a file is not shown, whatever it is: only whoever wrote it there knows. */
function hidden<T extends Readonly<Record<string, unknown>>>(effective: T, { outside }: ConfigDocument): T {
  const copy = structuredClone(JSON.parse(JSON.stringify(effective)));
  for (const { path } of outside) hide(copy, path);
  return copy;
}

function hide(value: unknown, [name, ...rest]: readonly PropertyKey[]): void {
  if (typeof value !== "object" || value === null || name === undefined) return;
  // One entry of a list may have become several.
  if (Array.isArray(value)) value.fill(REDACTED);
  else if (rest.length > 0) hide(Reflect.get(value, name), rest);
  else if (name in value) Reflect.set(value, name, REDACTED);
}

function readAgent(document: ConfigDocument, root: Readonly<Record<string, unknown>>, problems: Problem[]) {
  let parsed = AgentSection.safeParse(root);
  if (!parsed.success) parsed = AgentSection.safeParse(withReread(document, [], root, parsed.error.issues));
  if (parsed.success) return parsed.data;
  problems.push(...problemsOf(parsed.error.issues, { document, schema: AgentSection, base: [], value: root }));
  return undefined;
}

function refused(problems: readonly Problem[]): Loaded {
  return { ok: false, problems: problems.toSorted(byPlace) };
}

/** Where a `${…}` could not be put in, whatever else is said of the same value only follows from that. */
function firstOfEach(all: readonly Problem[], firsts: readonly Problem[]): readonly Problem[] {
  const said = new Set(firsts.flatMap(({ key }) => (key === "" ? [] : [key])));
  return all.filter((problem) => firsts.includes(problem) || !said.has(problem.key));
}

function byPlace(a: Problem, b: Problem): number {
  return a.line - b.line || a.column - b.column;
}

function assemble(agent: AgentSection, { sources, channels, sinks, membersOf }: Components): AgentConfig {
  const members = new Set([...membersOf.values()].flat());
  return {
    agent: agent.agent,
    dataDir: agent.dataDir,
    ownFiles: [],
    lingerMs: agent.linger,
    stopTimeoutMs: agent.stopTimeout,
    sources: present(sources),
    channels: present(channels),
    sinks: new Map([...present(sinks)].filter(([name]) => !members.has(name))),
    admin: agent.admin?.address,
    tap: agent.admin !== undefined && (agent.admin.tap ?? agent.admin.address.kind === "unix"),
    log: agent.log,
    heartbeat: agent.heartbeat && heartbeatOf(agent.heartbeat),
  };
}

function heartbeatOf({ topic, sink, every, jitter }: NonNullable<AgentSection["heartbeat"]>): HeartbeatConfig {
  return { topic, sink, everyMs: every, jitter };
}

function present<T>(read: ReadonlyMap<string, T | undefined>): ReadonlyMap<string, T> {
  const all = new Map<string, T>();
  for (const [name, value] of read) if (value !== undefined) all.set(name, value);
  return all;
}

function effectiveOf(agent: AgentSection, components: Components): Readonly<Record<string, unknown>> {
  const shown = (...path: PropertyKey[]) => components.shown.get(JSON.stringify(path)) ?? {};
  const all = <T>(part: string, found: ReadonlyMap<string, T>, more: (value: T, name: string) => object) =>
    Object.fromEntries([...found].map(([name, value]) => [name, { ...shown(part, name), ...more(value, name) }]));
  // Tests change nothing of what an agent does.
  const { linger, stopTimeout, admin, heartbeat, tests: _tests, ...own } = agent;
  return {
    ...own,
    linger: `${linger}ms`,
    stopTimeout: `${stopTimeout}ms`,
    admin,
    heartbeat: heartbeat && { ...heartbeat, every: `${heartbeat.every}ms` },
    sources: all("sources", components.sources, (source, name) => ({
      interceptors: source?.interceptors.map((link, index) => ({
        name: link.name,
        ...shown("sources", name, "interceptors", index),
      })),
      selector: { type: "replicating", ...shown("sources", name, "selector") },
      channels: source?.channels,
    })),
    channels: all("channels", components.channels, () => ({})),
    sinks: all("sinks", components.sinks, (sink) => ({ channel: sink?.channel })),
  };
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
