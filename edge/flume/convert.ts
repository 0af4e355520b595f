/**
 * One agent of a flume.conf → our config, as a value with the origin of everything in it. Nothing is checked here that our own
 * config checks: what comes out is read like any config, and what is wrong with it is said at the place it comes from.
 */
import { formatKey } from "../config/problem.ts";
import { legalFlumeName } from "../core/flume-mapping.ts";
import type { AgentFile, FlumeEntry, Keys, Say } from "./agent-file.ts";
import { parts, words } from "./agent-file.ts";
import { ComponentDraft } from "./draft.ts";
import { type FoundMapping, findMapping, type Kind, type Mappings } from "./mappings.ts";
import { channelsOf } from "./source-channels.ts";

/** What became of an agent. */
export interface Converted {
  readonly tree: Readonly<Record<string, unknown>>;
  /** `sinks.k1.topic` → the key it comes from; also for every component as a whole. */
  readonly origins: ReadonlyMap<string, FlumeEntry>;
  /** Path → lines of comment before it. */
  readonly before: ReadonlyMap<string, readonly string[]>;
  /** Path → comment at the end of its line. */
  readonly beside: ReadonlyMap<string, string>;
  /** Keys that mean nothing here. */
  readonly nothings: readonly { readonly entry: FlumeEntry; readonly why: string }[];
}

/** What an agent is converted in. */
export interface ConvertOptions {
  readonly mappings: Mappings;
  readonly say: Say;
  readonly dataDir: string;
  /** Where Flume was started: relative paths begin there. */
  readonly folder: string;
  readonly home: string;
  /** Java's system properties. */
  readonly system: Readonly<Record<string, string>>;
}

/** Converts the agent. Mistakes and doubts go to `say`; the answer is as complete as it can be either way. */
export function convert(agent: AgentFile, options: ConvertOptions): Converted {
  return new Conversion(agent, options).run();
}

class Conversion {
  private readonly origins = new Map<string, FlumeEntry>();
  private readonly before = new Map<string, readonly string[]>();
  private readonly beside = new Map<string, string>();
  private readonly nothings: { readonly entry: FlumeEntry; readonly why: string }[] = [];
  private readonly channels: Record<string, Record<string, unknown>> = {};
  private readonly sources: Record<string, Record<string, unknown>> = {};
  private readonly sinks: Record<string, Record<string, unknown>> = {};
  /** Headers that events of a channel may have: undefined, any. */
  private readonly headersOf = new Map<string, Set<string> | undefined>();

  constructor(
    private readonly agent: AgentFile,
    private readonly options: ConvertOptions,
  ) {}

  run(): Converted {
    for (const name of this.agent.listed.channels) this.channel(name);
    for (const name of this.agent.listed.sources) this.source(name);
    for (const name of this.agent.listed.sinks) this.sink(name);
    for (const name of this.agent.listed.sinkgroups) this.sinkGroup(name);
    this.leaveOutUnused();
    this.keepPositionsTogether();
    const { sources, channels, sinks } = this;
    const tree = {
      agent: legalFlumeName(this.agent.name),
      dataDir: this.options.dataDir,
      ...this.admin(),
      sources,
      channels,
      sinks,
    };
    const { origins, before, beside, nothings } = this;
    return { tree, origins, before, beside, nothings };
  }

  private channel(name: string): void {
    const keys = this.agent.components.channels.get(name);
    const found = keys === undefined ? undefined : this.typeOf("channel", `channels.${name}`, keys, keys.get("type"));
    if (keys === undefined || found === undefined) return;
    const draft = this.draft("channels", name, keys);
    draft.apply(found.mapping, []);
    this.channels[this.settle("channels", name, draft, found)] = { type: found.type, ...draft.config };
  }

  private source(name: string): void {
    const keys = this.agent.components.sources.get(name);
    if (keys === undefined) return;
    const channels = channelsOf(this.agent, name, keys, this.options.say);
    if (channels === undefined) return;
    const found = this.typeOf("source", `sources.${name}`, keys, keys.get("type"));
    if (found === undefined) return;
    const draft = this.draft("sources", name, keys);
    draft.apply(found.mapping, ["channels", "channel", "interceptors", "interceptors.*", "selector.*"]);
    const headers = new Set<string>();
    let open = false;
    const mayHave = (names: readonly string[] | undefined) => {
      open ||= names === undefined;
      for (const each of names ?? []) headers.add(each);
    };
    mayHave(found.mapping.headers === undefined ? [] : found.mapping.headers(draft));
    const interceptors = this.interceptors(name, keys, mayHave);
    const selector = this.selector(name, keys, channels);
    for (const part of draft.parts) {
      mayHave(Object.keys(part.headers));
      const own = legalFlumeName(name + part.suffix);
      const config = { ...draft.config, ...part.config };
      const first = Object.keys(part.headers).length === 0 ? [] : [headersOfGroup(part.headers)];
      const links = [...first, ...interceptors.map(({ config: link }) => link)];
      this.settle("sources", name, draft, found, own);
      for (const [index, link] of interceptors.entries()) {
        const at = ["sources", own, "interceptors", index + first.length];
        this.place(at, link.draft);
        if (link.draft.notes.length > 0) this.before.set(formatKey(at), link.draft.notes);
      }
      this.sources[own] = {
        type: found.type,
        ...config,
        ...(links.length === 0 ? {} : { interceptors: links }),
        ...(selector === undefined ? {} : { selector: selector.config }),
        channels: channels.map(legalFlumeName),
      };
      if (selector !== undefined) this.place(["sources", own, "selector"], selector.draft);
      const list = keys.get("channels");
      if (list !== undefined) this.origins.set(formatKey(["sources", own, "channels"]), list);
    }
    for (const channel of channels) {
      const before = this.headersOf.get(channel) ?? new Set<string>();
      const known = this.headersOf.has(channel) && this.headersOf.get(channel) === undefined;
      this.headersOf.set(channel, open || known ? undefined : new Set([...before, ...headers]));
    }
  }

  private interceptors(source: string, keys: Keys, mayHave: (names: readonly string[] | undefined) => void) {
    const list = keys.get("interceptors");
    const listed = words(list?.text ?? "");
    const made: { readonly config: Record<string, unknown>; readonly draft: ComponentDraft }[] = [];
    for (const name of listed) {
      const prefix = `interceptors.${name}.`;
      const found = this.typeOf(
        "interceptor",
        `sources.${source}.interceptors.${name}`,
        keys,
        keys.get(`${prefix}type`),
        list,
      );
      if (found === undefined) continue;
      const draft = this.draft("sources", source, keys, prefix);
      draft.apply(found.mapping, []);
      mayHave(found.mapping.headers === undefined ? [] : found.mapping.headers(draft));
      this.nothings.push(...draft.nothings);
      draft.notes.push(...nothingNotes(draft));
      made.push({ config: { type: found.type, name: legalFlumeName(name), ...draft.config }, draft });
    }
    this.sayUnlistedInterceptors(keys, listed);
    return made;
  }

  private sayUnlistedInterceptors(keys: Keys, listed: readonly string[]): void {
    const said = new Set<string>();
    for (const [key, entry] of keys) {
      const [, name] = /^interceptors\.([^.]+)\./.exec(key) ?? [];
      if (name === undefined || listed.includes(name) || said.has(name)) continue;
      said.add(name);
      const message = `the interceptor "${name}" is not in the source's list; Flume does not run it`;
      this.options.say.doubt(entry.keyAt, entry.fullKey, message);
    }
  }

  private selector(source: string, keys: Keys, channels: readonly string[]) {
    const type = keys.get("selector.type");
    const given = [...keys.keys()].some((key) => key.startsWith("selector."));
    if (!given) return undefined;
    const found =
      type === undefined
        ? findMapping(this.options.mappings, "selector", "replicating")
        : this.typeOf("selector", `sources.${source}.selector`, keys, type);
    if (found === undefined || !("mapping" in found)) return undefined;
    const draft = this.draft("sources", source, keys, "selector.");
    draft.apply(found.mapping, found.type === "replicating" ? ["optional"] : []);
    if (found.type === "replicating") this.optional(keys.get("selector.optional"), channels);
    for (const [key, entry] of keys)
      if (found.type === "multiplexing" && key.startsWith("selector.optional.")) this.optional(entry, channels);
    this.nothings.push(...draft.nothings);
    return found.type === "replicating" ? undefined : { config: { type: found.type, ...draft.config }, draft };
  }

  /** An optional channel must not hold up the source: it drops what it has no room for, as Flume does. */
  private optional(entry: FlumeEntry | undefined, channels: readonly string[]): void {
    for (const name of words(entry?.text ?? "")) {
      const own = legalFlumeName(name);
      const channel = this.channels[own];
      if (entry === undefined || channel === undefined || !channels.includes(name)) continue;
      channel.full = "drop_newest";
      this.origins.set(formatKey(["channels", own, "full"]), entry);
      this.beside.set(formatKey(["channels", own, "full"]), "optional: what finds no room is dropped, and counted");
    }
  }

  private sink(name: string): void {
    const keys = this.agent.components.sinks.get(name);
    if (keys === undefined) return;
    const channel = keys.get("channel");
    const fullName = `${this.agent.name}.sinks.${name}`;
    const found = this.typeOf("sink", `sinks.${name}`, keys, keys.get("type"));
    if (channel === undefined || this.channels[legalFlumeName(channel.text)] === undefined) {
      const at = channel ?? keys.get("channels") ?? keys.values().next().value;
      const listed = channel !== undefined && this.agent.listed.channels.includes(channel.text);
      // A channel that is a mistake was said already.
      if (at === undefined || listed) return;
      const what = channel === undefined ? "names no channel" : `there is no channel "${channel.text}"`;
      const hint = keys.has("channels") ? 'did you mean "channel"?' : undefined;
      this.options.say.doubt(
        at.valueAt,
        channel?.fullKey ?? fullName,
        `${what}; Flume does not start this sink, and it is left out`,
        hint,
      );
      return;
    }
    if (found === undefined) return;
    const draft = this.draft("sinks", name, keys, "", (header) => {
      const known = this.headersOf.get(channel.text);
      return known === undefined || known.has(header);
    });
    draft.apply(found.mapping, ["channel"]);
    const own = this.settle("sinks", name, draft, found);
    this.sinks[own] = { type: found.type, channel: legalFlumeName(channel.text), ...draft.config };
    this.origins.set(formatKey(["sinks", own, "channel"]), channel);
  }

  /** A group of Flume's is a sink here, made of its members. */
  private sinkGroup(name: string): void {
    const keys = this.agent.components.sinkgroups.get(name);
    const type = keys?.get("processor.type");
    const list = keys?.get("sinks");
    if (keys === undefined || type === undefined || list === undefined || type.text.toLowerCase() === "default") return;
    const found = this.typeOf("group", `sinkgroups.${name}`, keys, type);
    const listed = words(list.text);
    const members = listed.map(legalFlumeName).filter((each) => this.sinks[each] !== undefined);
    for (const each of listed) {
      const isSink = this.agent.listed.sinks.includes(each);
      if (!isSink)
        this.options.say.doubt(list.valueAt, list.fullKey, `there is no sink "${each}"; Flume leaves it out`);
    }
    const channels = new Set(members.map((each) => String(this.sinks[each]?.channel)));
    if (channels.size > 1) {
      this.options.say.mistake(
        list.valueAt,
        list.fullKey,
        "its sinks drain different channels",
        "here a group drains one",
      );
    }
    const [channel] = channels;
    if (found === undefined || channel === undefined || channels.size > 1) return;
    const draft = this.draft("sinkgroups", name, keys, "processor.");
    draft.config.sinks = members;
    draft.apply(found.mapping, []);
    const own = this.sinks[legalFlumeName(name)] === undefined ? legalFlumeName(name) : `${legalFlumeName(name)}-group`;
    for (const each of members) delete this.sinks[each]?.channel;
    this.sinks[own] = { type: found.type, channel, ...draft.config };
    this.settle("sinkgroups", name, draft, found, own);
    this.origins.set(formatKey(["sinks", own, "sinks"]), list);
  }

  /** Flume removes channels that nothing is connected to. */
  private leaveOutUnused(): void {
    const used = new Set([
      ...Object.values(this.sources).flatMap(({ channels }) => (Array.isArray(channels) ? channels : [])),
      ...Object.values(this.sinks).map(({ channel }) => channel),
    ]);
    // While components are missing because of mistakes, nothing is known of what is unused.
    if (this.options.say.failed) return;
    for (const name of Object.keys(this.channels)) {
      const entry = this.origins.get(formatKey(["channels", name]));
      if (used.has(name) || entry === undefined) continue;
      delete this.channels[name];
      this.options.say.doubt(
        entry.keyAt,
        `${this.agent.name}.channels.${name}`,
        "nothing is connected to it; it is left out, as in Flume",
      );
    }
  }

  /** A source's position moves once: where it feeds channels of both kinds, those in memory become durable ones. */
  private keepPositionsTogether(): void {
    const isMemory = (name: string) => this.channels[name]?.type === "memory";
    for (const [source, { channels }] of Object.entries(this.sources)) {
      const names = Array.isArray(channels) ? channels.map(String) : [];
      if (!names.some(isMemory) || !names.some((name) => !isMemory(name))) continue;
      for (const name of names.filter(isMemory)) {
        const { capacity: _capacity, ...rest } = this.channels[name] ?? {};
        this.channels[name] = { ...rest, type: "sqlite" };
        const words = `in memory in Flume; durable here, because ${source} also feeds a durable channel`;
        this.before.set(formatKey(["channels", name]), [
          ...(this.before.get(formatKey(["channels", name])) ?? []),
          words,
        ]);
      }
    }
  }

  /** Flume's HTTP monitoring is our admin HTTP. */
  private admin(): { readonly admin?: { readonly address: string } } {
    const { system } = this.options;
    if (system["flume.monitoring.type"]?.toLowerCase() !== "http") return {};
    this.before.set("admin", [
      "from -Dflume.monitoring.*: /metrics is Prometheus text here; it listens on this machine only",
    ]);
    return { admin: { address: `127.0.0.1:${system["flume.monitoring.port"] ?? 41414}` } };
  }

  private typeOf(
    kind: Kind,
    name: string,
    keys: Keys,
    type: FlumeEntry | undefined,
    list?: FlumeEntry,
  ): FoundMapping | undefined {
    const { say, mappings } = this.options;
    if (type === undefined) {
      const at = list ?? keys.values().next().value;
      if (at !== undefined) say.mistake(at.valueAt, `${this.agent.name}.${name}`, "has no type");
      return undefined;
    }
    const found = findMapping(mappings, kind, type.text);
    if ("mapping" in found) return found;
    say.mistake(type.valueAt, type.fullKey, found.message, found.hint);
    return undefined;
  }

  private draft(
    part: string,
    name: string,
    keys: Keys,
    prefix = "",
    mayHaveHeader?: (header: string) => boolean,
  ): ComponentDraft {
    const { say, home, folder } = this.options;
    const at = keys.get(`${prefix}type`) ?? keys.get("type");
    const [first] = keys.values();
    const place = at ?? first;
    if (place === undefined) throw new Error(`${name} has no key`);
    const fullName = `${this.agent.name}.${part}.${name}${prefix === "" ? "" : `.${prefix.slice(0, -1)}`}`;
    return new ComponentDraft({
      fullName,
      keys,
      prefix,
      at: place,
      say,
      home,
      folder,
      ...(mayHaveHeader === undefined ? {} : { mayHaveHeader }),
    });
  }

  /** Notes where a component and its keys come from; answers its name here. */
  private settle(
    part: string,
    name: string,
    draft: ComponentDraft,
    found: FoundMapping,
    own = legalFlumeName(name),
  ): string {
    const path = [part === "sinkgroups" ? "sinks" : part, own];
    const keys = this.agent.components[parts.find((each) => each === part) ?? "sinks"].get(name);
    const type = keys?.get("type") ?? keys?.get("processor.type");
    if (type !== undefined) {
      this.origins.set(formatKey(path), type);
      this.origins.set(formatKey([...path, "type"]), type);
    }
    const what = `Flume's ${type?.text ?? found.type}: ${this.agent.name}.${part}.${name}`;
    this.before.set(formatKey(path), [what, ...draft.notes, ...nothingNotes(draft)]);
    if (!this.nothings.some(({ entry }) => draft.nothings.some((each) => each.entry === entry)))
      this.nothings.push(...draft.nothings);
    this.place(path, draft);
    return own;
  }

  private place(path: readonly PropertyKey[], draft: ComponentDraft): void {
    for (const [below, entry] of draft.origins) this.origins.set(formatKey([...path, ...below.split(".")]), entry);
    for (const [below, words] of draft.beside) this.beside.set(formatKey([...path, ...below.split(".")]), words);
  }
}

function nothingNotes({ nothings }: ComponentDraft): readonly string[] {
  return nothings.map(
    ({ entry, why }) => `${entry.fullKey.split(".").slice(3).join(".")} = ${entry.written}: means nothing here, ${why}`,
  );
}

/** Headers of a file group, set before everything else, as Flume's source does. */
function headersOfGroup(headers: Readonly<Record<string, string>>) {
  return { type: "static", name: "file-group", headers, preserveExisting: false };
}
