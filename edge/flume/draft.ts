/** One component of a flume.conf on its way to ours: its keys are taken one by one by what its mapping says of them. */
import { isAbsolute, resolve } from "node:path";
import { suggest } from "../../shared/config/nearest.ts";
import type { FlumeDraft, FlumeKey, FlumeMapping, FlumePart, FlumeValue } from "../core/flume-mapping.ts";
import type { FlumeEntry, Keys, Say } from "./agent-file.ts";

/** What a component is translated in. */
export interface DraftOptions {
  /** `a1.sources.r1`, for what is said of the component as a whole. */
  readonly fullName: string;
  readonly keys: Keys;
  /** Taken from every key before it is looked up: `selector.` for a selector. */
  readonly prefix?: string;
  /** Where it stands when none of its keys is to blame. */
  readonly at: FlumeEntry;
  readonly say: Say;
  readonly home: string;
  readonly folder: string;
  /** See `FlumeDraft.mayHaveHeader`. */
  readonly mayHaveHeader?: (name: string) => boolean;
}

/** The draft while it grows; what `convert.ts` reads of it afterwards. */
export class ComponentDraft implements FlumeDraft {
  readonly config: Record<string, unknown> = {};
  /** Path below the component → the key that it comes from. */
  readonly origins = new Map<string, FlumeEntry>();
  /** Lines of comment for the component as a whole. */
  readonly notes: string[] = [];
  /** Path → comment beside it. */
  readonly beside = new Map<string, string>();
  /** Keys that mean nothing here, and why. */
  readonly nothings: { readonly entry: FlumeEntry; readonly why: string }[] = [];
  parts: readonly FlumePart[] = [{ suffix: "", config: {}, headers: {} }];
  readonly home: string;
  readonly folder: string;

  constructor(private readonly options: DraftOptions) {
    this.home = options.home;
    this.folder = options.folder;
  }

  /** Takes all keys; `elsewhere` are those that somebody else reads. */
  apply(mapping: FlumeMapping, elsewhere: readonly string[]): void {
    // What is there already counts before it.
    Object.assign(this.config, { ...structuredClone(mapping.start ?? {}), ...this.config });
    const known = Object.keys(mapping.keys);
    const { prefix = "" } = this.options;
    for (const [full, entry] of this.options.keys) {
      if (!full.startsWith(prefix)) continue;
      const key = full.slice(prefix.length);
      if (isOneOf(key, elsewhere) || key === "type") continue;
      const name = known.find((each) => each === key) ?? longest(known.filter((each) => isOneOf(key, [each])));
      const what = name === undefined ? undefined : mapping.keys[name];
      if (what === undefined) this.unknown(key, entry, [...known, ...elsewhere]);
      else this.take(key, entry, what);
    }
    mapping.finish?.(this);
  }

  value(key: string): FlumeValue | undefined {
    return this.entry(key);
  }

  below(prefix: string): ReadonlyMap<string, FlumeValue> {
    const found = new Map<string, FlumeValue>();
    const whole = `${this.options.prefix ?? ""}${prefix}`;
    for (const [key, entry] of this.options.keys) {
      if (key.startsWith(whole) && key.length > whole.length) found.set(key.slice(whole.length), entry);
    }
    return found;
  }

  get(path: string): unknown {
    return path
      .split(".")
      .reduce<unknown>(
        (at, name) => (typeof at === "object" && at !== null ? Reflect.get(at, name) : undefined),
        this.config,
      );
  }

  set(path: string, value: unknown, from?: string): void {
    const names = path.split(".");
    const last = names.pop() ?? path;
    let at: object = this.config;
    for (const name of names) {
      const next: unknown = Reflect.get(at, name);
      const map = typeof next === "object" && next !== null ? next : {};
      Reflect.set(at, name, map);
      at = map;
    }
    Reflect.set(at, last, value);
    const entry = from === undefined ? undefined : this.entry(from);
    if (entry === undefined) return;
    this.origins.set(path, entry);
    if (from !== last) this.beside.set(path, from ?? "");
  }

  unset(path: string): void {
    const names = path.split(".");
    const last = names.pop() ?? path;
    const parent = names.length === 0 ? this.config : this.get(names.join("."));
    if (typeof parent === "object" && parent !== null) Reflect.deleteProperty(parent, last);
    this.origins.delete(path);
    this.beside.delete(path);
  }

  note(words: string): void {
    this.notes.push(words);
  }

  doubt(key: string | undefined, message: string, hint?: string): void {
    const entry = this.blamed(key);
    this.options.say.doubt(entry.valueAt, key === undefined ? this.options.fullName : entry.fullKey, message, hint);
  }

  refuse(key: string | undefined, message: string, hint?: string): void {
    const entry = this.blamed(key);
    this.options.say.mistake(entry.valueAt, key === undefined ? this.options.fullName : entry.fullKey, message, hint);
  }

  divide(parts: readonly FlumePart[]): void {
    this.parts = parts;
  }

  mayHaveHeader(name: string): boolean {
    return this.options.mayHaveHeader?.(name) ?? true;
  }

  /** A path of Flume's is relative to where Flume was started. */
  path(written: string): string {
    return isAbsolute(written) || written.startsWith("${") ? written : resolve(this.folder, written);
  }

  private take(key: string, entry: FlumeEntry, what: FlumeKey): void {
    if ("nothing" in what) this.nothings.push({ entry, why: what.nothing });
    else if ("refused" in what) {
      const harmless = what.unless?.some((value) => value.toLowerCase() === entry.text.toLowerCase()) ?? false;
      if (!harmless) this.refuse(key, what.refused);
    } else if ("to" in what) {
      const reading = what.as(entry);
      if (!reading.ok) {
        this.refuse(key, reading.message);
        return;
      }
      this.set(what.to, reading.value, key);
      if (what.note !== undefined) this.note(`${key}: ${what.note}`);
    }
  }

  private unknown(key: string, entry: FlumeEntry, known: readonly string[]): void {
    const names = known.map((each) => each.replace(/[.*]+$/, ""));
    const hint = suggest(key, names);
    const near = hint?.startsWith("did") ? hint : undefined;
    this.options.say.doubt(
      entry.keyAt,
      entry.fullKey,
      "is no key that Flume reads here; it ignores it, and so do we",
      near,
    );
  }

  private entry(key: string): FlumeEntry | undefined {
    return this.options.keys.get(`${this.options.prefix ?? ""}${key}`);
  }

  private blamed(key: string | undefined): FlumeEntry {
    return (key === undefined ? undefined : this.entry(key)) ?? this.options.at;
  }
}

/** Whether a key is one of these; one that ends in `*` stands for all that begin so. */
function isOneOf(key: string, names: readonly string[]): boolean {
  return names.some((name) => (name.endsWith("*") ? key.startsWith(name.slice(0, -1)) : key === name));
}

function longest(names: readonly string[]): string | undefined {
  return names.toSorted((a, b) => b.length - a.length)[0];
}
