/**
 * Reads the components of a config: finds each one's definition by its `type`, has it validate the rest, and gathers
 * what is wrong. A component that is wrong is left out of the result, never put there half.
 */

import { REFERS_TO } from "../../shared/config/channel-name.ts";
import { markedFields } from "../../shared/config/marked-fields.ts";
import { suggest } from "../../shared/config/nearest.ts";
import { redact } from "../../shared/config/redact.ts";
import type { AnyDefinition, ChannelMaker, Maker, Reading } from "../core/define.ts";
import type { InterceptorConfig, Registry, SinkConfig, SourceConfig } from "./agent-config.ts";
import type { ConfigDocument } from "./document.ts";
import { problemsOf } from "./issues.ts";
import { linkSinks, type MemberName, type UnlinkedSink } from "./link-sinks.ts";
import type { Problem } from "./problem.ts";
import { ChannelNames, illegalName, legalName } from "./schema.ts";

type Path = readonly PropertyKey[];
type Raw = Readonly<Record<string, unknown>>;

/** What was made of a config knows the config. */
type Configured = Pick<Maker<never, unknown>, "config">;

/** A definition of any kind, seen by what it makes. */
export interface DefinitionOf<Value extends Configured>
  extends Pick<AnyDefinition, "type" | "kind" | "stability" | "config"> {
  read(raw: unknown): Reading<Value>;
}

/** What was read, by name; `undefined` for a component that has mistakes, so that others may still name it. */
export interface Components {
  readonly sources: ReadonlyMap<string, SourceConfig | undefined>;
  readonly channels: ReadonlyMap<string, ChannelMaker | undefined>;
  readonly sinks: ReadonlyMap<string, SinkConfig | undefined>;
  /** Channels that a source names, also where the source has mistakes elsewhere. */
  readonly channelsOf: ReadonlyMap<string, readonly string[]>;
  /** Channel that a sink names, likewise. */
  readonly channelOf: ReadonlyMap<string, string>;
  /** Sinks that a group names. */
  readonly membersOf: ReadonlyMap<string, readonly string[]>;
  /** Every component's validated config without its secrets, by its place; for `check --print`. */
  readonly shown: ReadonlyMap<string, unknown>;
  /** Types in use, by place; for warnings. */
  readonly definitions: ReadonlyMap<string, DefinitionOf<Configured>>;
}

/** Reads one document's components; what is wrong with them gathers in `problems`. */
export class ComponentReader {
  readonly problems: Problem[] = [];
  private readonly shown = new Map<string, unknown>();
  private readonly definitions = new Map<string, DefinitionOf<Configured>>();
  private readonly channelsOf = new Map<string, readonly string[]>();
  private readonly channelOf = new Map<string, string>();
  private readonly membersOf = new Map<string, readonly MemberName[]>();

  constructor(
    private readonly document: ConfigDocument,
    private readonly registry: Registry,
  ) {}

  read(root: { readonly sources?: unknown; readonly channels?: unknown; readonly sinks?: unknown }): Components {
    const channels = this.each(["channels"], root.channels, (path, raw) =>
      this.component(path, raw, "channel", this.registry.channels, []),
    );
    const sources = this.each(["sources"], root.sources, (path, raw) => this.source(path, raw));
    const makers = this.each(["sinks"], root.sinks, (path, raw) => this.sink(path, raw));
    const { channelsOf, channelOf, shown, definitions } = this;
    const { sinks, problems } = linkSinks({ document: this.document, makers, channelOf, membersOf: this.membersOf });
    this.problems.push(...problems);
    const membersOf = new Map([...this.membersOf].map(([group, names]) => [group, names.map(({ name }) => name)]));
    return { sources, channels, sinks, channelsOf, channelOf, membersOf, shown, definitions };
  }

  private each<T>(
    base: Path,
    part: unknown,
    read: (path: Path, raw: Raw) => T | undefined,
  ): Map<string, T | undefined> {
    const found = new Map<string, T | undefined>();
    if (!isMap(part)) return found;
    for (const [name, raw] of Object.entries(part)) {
      const path = [...base, name];
      if (!legalName.test(name)) {
        this.problems.push(this.document.problem(path, `"${name}" is not a legal name`, illegalName, "key"));
      }
      found.set(
        name,
        this.map(path, raw, (map) => read(path, map)),
      );
    }
    return found;
  }

  private source(path: Path, raw: Raw): SourceConfig | undefined {
    const { type, interceptors = [], selector = { type: "replicating" }, channels, ...own } = raw;
    const make = this.component(path, { type, ...own }, "source", this.registry.sources, [
      "interceptors",
      "selector",
      "channels",
    ]);
    const names = this.channelNames([...path, "channels"], channels);
    const chain = this.interceptors([...path, "interceptors"], interceptors);
    const chosen = this.selector([...path, "selector"], selector, names ?? []);
    if (names !== undefined) this.channelsOf.set(String(path[1]), names);
    if (make === undefined || names === undefined || chain === undefined || chosen === undefined) return undefined;
    const selectorType = isMap(selector) ? String(selector.type) : "";
    return { type: String(type), make, interceptors: chain, selectorType, selector: chosen, channels: names };
  }

  private channelNames(path: Path, raw: unknown): readonly string[] | undefined {
    if (raw === undefined) {
      this.problems.push(
        this.document.problem(path, "is missing", "the channel, or the list of channels, that it feeds"),
      );
      return undefined;
    }
    const parsed = ChannelNames.safeParse(raw);
    if (parsed.success) return parsed.data;
    this.problems.push(
      ...problemsOf(parsed.error.issues, { document: this.document, schema: ChannelNames, base: path, value: raw }),
    );
    return undefined;
  }

  private interceptors(path: Path, raw: unknown): readonly InterceptorConfig[] | undefined {
    if (!Array.isArray(raw)) {
      this.problems.push(this.document.problem(path, "not a list of interceptors", "write each as `- { type: … }`"));
      return undefined;
    }
    const chain: InterceptorConfig[] = [];
    const taken = new Set<string>();
    for (const [index, link] of raw.entries()) {
      const read = this.map([...path, index], link, (map) => this.interceptor([...path, index], map, taken));
      if (read !== undefined) chain.push(read);
    }
    return chain.length === raw.length ? chain : undefined;
  }

  private interceptor(path: Path, raw: Raw, taken: Set<string>): InterceptorConfig | undefined {
    const { name, ...rest } = raw;
    const make = this.component(path, rest, "interceptor", this.registry.interceptors, ["name"]);
    const given = this.interceptorName(path, name, taken);
    if (make === undefined || given === undefined) return undefined;
    const type = String(rest.type);
    let own = given || type;
    for (let number = 2; taken.has(own); number++) own = `${type}-${number}`;
    taken.add(own);
    return { type, name: own, make };
  }

  /** Empty when none was given; undefined when it is wrong. */
  private interceptorName(path: Path, name: unknown, taken: ReadonlySet<string>): string | undefined {
    if (name === undefined) return "";
    const refuse = (message: string, hint?: string) => {
      this.problems.push(this.document.problem([...path, "name"], message, hint));
      return undefined;
    };
    if (typeof name !== "string" || !legalName.test(name)) return refuse("not a legal name", illegalName);
    if (taken.has(name)) return refuse(`two interceptors of this source are called "${name}"`);
    return name;
  }

  private selector(path: Path, raw: unknown, channels: readonly string[]): SourceConfig["selector"] | undefined {
    return this.map(path, raw, (map) => {
      const make = this.component(path, map, "selector", this.registry.selectors, []);
      const definition = this.definitions.get(JSON.stringify(path));
      if (definition === undefined || channels.length === 0) return make;
      const { type: _type, ...own } = map;
      let known = true;
      for (const named of markedFields(definition.config, own, REFERS_TO)) {
        const name = String(named.value);
        if (channels.includes(name)) continue;
        known = false;
        const hint = suggest(name, channels, "its channels");
        this.problems.push(
          this.document.problem([...path, ...named.path], `"${name}" is not a channel of this source`, hint),
        );
      }
      return known ? make : undefined;
    });
  }

  private sink(path: Path, raw: Raw): UnlinkedSink | undefined {
    const { channel, ...rest } = raw;
    const name = String(path[1]);
    const make = this.component(path, rest, "sink", this.registry.sinks, ["channel"]);
    const definition = this.definitions.get(JSON.stringify(path));
    if (definition !== undefined) {
      const { type: _type, ...own } = rest;
      const named = markedFields(definition.config, own, REFERS_TO);
      const members = named.map((each) => ({ name: String(each.value), path: [...path, ...each.path] }));
      if (members.length > 0) this.membersOf.set(name, members);
    }
    if (typeof channel === "string") this.channelOf.set(name, channel);
    else if (channel !== undefined) {
      const message = "not the name of a channel";
      this.problems.push(this.document.problem([...path, "channel"], message, "the channel that it drains"));
    }
    return make && { type: String(rest.type), make, layout: make.layout, needsIdentity: make.needsIdentity };
  }

  /** Finds the definition of `type` and has it read the rest. */
  private component<Value extends Configured>(
    path: Path,
    raw: Raw,
    kind: string,
    definitions: readonly DefinitionOf<Value>[],
    alsoValid: readonly string[],
  ): Value | undefined {
    const { type, ...own } = raw;
    const types = definitions.map((each) => each.type);
    if (type === undefined || type === null) {
      // Not taken for the one of that name: `type:` with nothing behind it says the same in YAML.
      const quoted = type === null && types.includes("null") ? `write "null" in quotes, or ` : "";
      const what = type === null ? "is empty" : "is missing";
      this.problems.push(this.document.problem([...path, "type"], what, `${quoted}one of ${types.join(", ")}`));
      return undefined;
    }
    const definition = definitions.find((each) => each.type === type);
    if (definition === undefined) {
      const hint = suggest(String(type), types, `${kind} types`);
      this.problems.push(this.document.problem([...path, "type"], `no ${kind} is of type "${String(type)}"`, hint));
      return undefined;
    }
    this.definitions.set(JSON.stringify(path), definition);
    return this.readTyped(path, own, definition, alsoValid);
  }

  /**
   * What came from `${…}` is text. Where a schema refuses the text, it may be the number or boolean that YAML would
   * have read; where it takes the text (a password of digits), text it stays.
   */
  private readTyped<Value extends Configured>(
    path: Path,
    own: Raw,
    definition: DefinitionOf<Value>,
    alsoValid: readonly string[],
  ): Value | undefined {
    let value: Raw = own;
    let reading = definition.read(value);
    if (!reading.ok) {
      value = withReread(this.document, path, value, reading.issues);
      if (value !== own) reading = definition.read(value);
    }
    if (!reading.ok) {
      const section = {
        document: this.document,
        schema: definition.config,
        base: path,
        value,
        alsoValid: ["type", ...alsoValid],
      };
      this.problems.push(...problemsOf(reading.issues, section));
      return undefined;
    }
    const shown = redact(definition.config, reading.value.config);
    this.shown.set(JSON.stringify(path), { type: definition.type, ...asMap(shown) });
    return reading.value;
  }

  private map<T>(path: Path, raw: unknown, read: (map: Raw) => T | undefined): T | undefined {
    if (isMap(raw)) return read(raw);
    this.problems.push(this.document.problem(path, "not a map of keys and values", "write at least `type: …`"));
    return undefined;
  }
}

/** The value with texts that were put in read anew as YAML, at the places of the issues. The same value when there are none. */
export function withReread(
  document: ConfigDocument,
  base: Path,
  value: Raw,
  issues: readonly { readonly path: Path }[],
): Raw {
  let changed: Raw = value;
  for (const { path } of issues) {
    const reread = document.reread([...base, ...path]);
    if (reread === undefined || path.length === 0) continue;
    if (changed === value) changed = structuredClone(value);
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((at, name) => (isMap(at) || Array.isArray(at) ? Reflect.get(at, name) : undefined), changed);
    const last = path.at(-1);
    if (typeof parent === "object" && parent !== null && last !== undefined) Reflect.set(parent, last, reread);
  }
  return changed;
}

function asMap(value: unknown): Raw {
  return isMap(value) ? value : {};
}

function isMap(value: unknown): value is Raw {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
