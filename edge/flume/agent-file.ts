// biome-ignore-all lint/suspicious/noTemplateCurlyInString: hints that show ${…}.
/**
 * One agent of a flume.conf: its lists, its components and their keys, each with its place. Like Flume, a file may hold several
 * agents, the last of two equal keys counts, an empty value is no value, and what belongs to no list is not started.
 */
import { suggest } from "../../shared/config/nearest.ts";
import type { Problem } from "../config/problem.ts";
import type { FlumeValue } from "../core/flume-mapping.ts";
import type { LineColumn, PropertiesFile, Property } from "./properties.ts";
import { type Answers, type Filter, substitute } from "./substitute.ts";

/** Kinds of what an agent lists. */
export const parts = ["sources", "channels", "sinks", "sinkgroups", "configfilters"] as const;
/** One of them. */
export type AgentPart = (typeof parts)[number];

/** A key with its value and its place. */
export interface FlumeEntry extends FlumeValue {
  /** As the file writes it: `a1.sources.r1.type`. */
  readonly fullKey: string;
  readonly keyAt: LineColumn;
  readonly valueAt: LineColumn;
}

/** The keys of one component, without its name. */
export type Keys = ReadonlyMap<string, FlumeEntry>;

/** A component that is listed, or only described. */
export interface Component {
  readonly name: string;
  readonly keys: Keys;
}

/** An agent as the file describes it. */
export interface AgentFile {
  readonly name: string;
  /** Names in the agent's list, in its order, each once; the place of the list. */
  readonly listed: Readonly<Record<AgentPart, readonly string[]>>;
  readonly listAt: Readonly<Record<AgentPart, FlumeEntry | undefined>>;
  readonly components: Readonly<Record<AgentPart, ReadonlyMap<string, Keys>>>;
}

/** What is said while a file is read: mistakes end it, doubts do not. */
export interface Say {
  /** Whether there was a mistake so far. */
  readonly failed: boolean;
  mistake(at: LineColumn, key: string, message: string, hint?: string): void;
  doubt(at: LineColumn, key: string, message: string, hint?: string): void;
}

/** Problems of one file, in lists. */
export class Complaints implements Say {
  readonly mistakes: Problem[] = [];
  readonly doubts: Problem[] = [];

  constructor(private readonly file: string) {}

  get failed(): boolean {
    return this.mistakes.length > 0;
  }

  mistake(at: LineColumn, key: string, message: string, hint?: string): void {
    this.mistakes.push({ file: this.file, line: at.line, column: at.column, key, message, hint });
  }

  doubt(at: LineColumn, key: string, message: string, hint?: string): void {
    this.doubts.push({ file: this.file, line: at.line, column: at.column, key, message, hint });
  }
}

/** Names of the agents that a file describes. */
export function agentNames({ properties }: PropertiesFile): readonly string[] {
  const names = properties.flatMap(({ key }) => {
    const [agent = "", part = ""] = key.trim().split(".");
    return agent !== "" && parts.some((each) => each === part) ? [agent] : [];
  });
  return [...new Set(names)];
}

/** What references in the file are answered from, beside the file. */
export type References = Pick<Answers, "environment" | "system">;

/** Reads the agent called `name`. */
export function readAgent(file: PropertiesFile, name: string, around: References, say: Say): AgentFile {
  const own = lastOfEach(file.properties, name, say);
  const raw = new Map(file.properties.map(({ key, value }) => [key.trim(), value.trim()]));
  const filters = new Map<string, Filter>();
  const answers: Answers = { ...around, property: (key) => raw.get(key), filters };
  const lists = new Map<string, FlumeEntry>();
  const components = emptyParts(() => new Map<string, Map<string, FlumeEntry>>());
  const entries: { readonly rest: string; readonly property: Property }[] = [];
  for (const property of own.values()) entries.push({ rest: property.key.trim().slice(name.length + 1), property });
  for (const each of filtersOf(entries)) filters.set(...each);
  for (const { rest, property } of entries) {
    const entry = entryOf(property, answers, say);
    if (entry === undefined) continue;
    if (parts.some((part) => part === rest)) {
      lists.set(rest, entry);
      continue;
    }
    const [, part, component = "", key = ""] = /^([^.]+)\.([^.]+)\.(.+)$/s.exec(rest) ?? [];
    const known = parts.find((each) => each === part);
    if (known === undefined) {
      const first = rest.split(".", 1)[0] ?? "";
      say.doubt(
        entry.keyAt,
        entry.fullKey,
        "belongs to no part of an agent; Flume ignores it",
        suggest(first, parts, "parts"),
      );
      continue;
    }
    const keys = components[known].get(component.trim()) ?? new Map<string, FlumeEntry>();
    components[known].set(component.trim(), keys);
    keys.set(key, entry);
  }
  const agent: AgentFile = {
    name,
    listed: emptyParts((part) => [...new Set(words(lists.get(part)?.text ?? ""))]),
    listAt: emptyParts((part) => lists.get(part)),
    components,
  };
  sayUnlisted(agent, say);
  return agent;
}

/** Words with white space between. */
export function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function emptyParts<T>(make: (part: AgentPart) => T): Record<AgentPart, T> {
  return {
    sources: make("sources"),
    channels: make("channels"),
    sinks: make("sinks"),
    sinkgroups: make("sinkgroups"),
    configfilters: make("configfilters"),
  };
}

/** The agent's keys; of two equal ones the last, as in Java. */
function lastOfEach(properties: readonly Property[], name: string, say: Say): ReadonlyMap<string, Property> {
  const own = new Map<string, Property>();
  for (const property of properties) {
    const key = property.key.trim();
    if (!key.startsWith(`${name}.`)) continue;
    const before = own.get(key);
    if (before !== undefined && before.value.trim() !== property.value.trim()) {
      const message = `is there again in line ${property.keyAt.line}, with another value; the last one counts`;
      say.doubt(before.keyAt, key, message);
    }
    // Where it stands last is where it counts.
    own.delete(key);
    own.set(key, property);
  }
  return own;
}

function entryOf(property: Property, answers: Answers, say: Say): FlumeEntry | undefined {
  const { keyAt, valueAt } = property;
  const fullKey = property.key.trim();
  const text = property.value.trim();
  if (text === "") {
    say.doubt(keyAt, fullKey, "has no value; Flume ignores it");
    return undefined;
  }
  if (/\s#/.test(text)) {
    const hint = "a comment has a line of its own";
    say.doubt(
      valueAt,
      fullKey,
      `"${text.slice(text.search(/\s#/)).trim()}" is a part of the value, not a comment`,
      hint,
    );
  }
  const result = substitute(text, answers);
  if (result.ok) return { ...result.value, fullKey, keyAt, valueAt };
  say.mistake(valueAt, fullKey, result.message, result.hint);
  return undefined;
}

const filterHints: Readonly<Record<string, string>> = {
  external: "it runs a program for each value; write the value as ${env:NAME}, or into a file of its own",
  hadoop: "it reads Hadoop's credential store; write the value as ${env:NAME}, or into a file of its own",
};

/** Config filters have to be known before the first value is read. */
function filtersOf(entries: readonly { readonly rest: string; readonly property: Property }[]): [string, Filter][] {
  return entries.flatMap(({ rest, property }): [string, Filter][] => {
    const [, name] = /^configfilters\.([^.]+)\.type$/.exec(rest) ?? [];
    if (name === undefined) return [];
    const type = property.value.trim().toLowerCase();
    if (type === "env" || type.endsWith(".environmentvariableconfigfilter")) return [[name, { kind: "env" }]];
    const kind = type.includes("external") ? "external" : type.includes("hadoop") ? "hadoop" : "";
    return [[name, { kind: "refused", hint: filterHints[kind] ?? "write the value as ${env:NAME}" }]];
  });
}

/** What is described and not listed is not started; what is listed and not described cannot be. */
function sayUnlisted(agent: AgentFile, say: Say): void {
  for (const part of parts) {
    const listed = agent.listed[part];
    const described = [...agent.components[part].keys()];
    for (const name of listed) {
      const at = agent.listAt[part];
      if (described.includes(name) || at === undefined) continue;
      const near = suggest(
        name,
        described.filter((each) => !listed.includes(each)),
        "described",
      );
      const hint = name.includes(",") ? "names are separated by blanks, not by commas" : near;
      say.doubt(at.valueAt, at.fullKey, `"${name}" has no key of its own; Flume leaves it out`, hint);
    }
    for (const [name, keys] of agent.components[part]) {
      const [first] = keys.values();
      if (listed.includes(name) || first === undefined) continue;
      const hint = suggest(name, listed, `${agent.name}.${part}`);
      const message = `"${name}" is not in ${agent.name}.${part}; Flume does not start it`;
      say.doubt(first.keyAt, `${agent.name}.${part}.${name}`, message, hint);
    }
  }
}
