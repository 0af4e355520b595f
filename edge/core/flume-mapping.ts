/**
 * What a component says about the Flume component whose work it does: which of Flume's keys become which of ours. It stands
 * beside the component, so a new component brings its own and no list of them is kept anywhere. Definitions hold it behind a
 * function: nothing of it is in memory unless somebody brings a flume.conf.
 */

/** The value of a key in flume.conf, both ways. */
export interface FlumeValue {
  /** With every `${…}` put in: to decide by. */
  readonly text: string;
  /** As our config writes it: a `${NAME}` stays a reference, so that no secret is copied out of its place. */
  readonly written: string;
}

/** A value of our config, or what is wrong with Flume's. */
export type FlumeReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

/** How the text of a key is read. */
export type FlumeReader = (value: FlumeValue) => FlumeReading;

/** What becomes of one key of Flume's. */
export type FlumeKey =
  /** Ours, under a path with dots. `note`: what is not quite the same. */
  | { readonly to: string; readonly as: FlumeReader; readonly note?: string }
  /** Taken, and it means nothing here: why. */
  | { readonly nothing: string }
  /** It would change what happens to data, and is not carried. With one of the values `unless` it changes nothing. */
  | { readonly refused: string; readonly unless?: readonly string[] }
  /** `finish` deals with it; the words are for readers. */
  | { readonly by: string };

/** What one Flume component becomes. */
export interface FlumeMapping {
  /** Flume's short name (any case) and its class names. */
  readonly names: readonly string[];
  /** It is a processor of a sink group: its keys are those after `processor.`. */
  readonly group?: true;
  /** Its keys, without the component's name. One that ends in `*` stands for all that begin so. */
  readonly keys: Readonly<Record<string, FlumeKey>>;
  /** Where Flume's default is not ours: what holds until a key says otherwise. */
  readonly start?: Readonly<Record<string, unknown>>;
  /** What stays different, a sentence each, for the page about coming from Flume. */
  readonly differences?: readonly string[];
  /** For what single keys cannot say. Runs after them. */
  finish?(draft: FlumeDraft): void;
  /** Of sources and interceptors: headers that it may set on an event; undefined: any. Left out: none. */
  headers?(draft: FlumeDraft): readonly string[] | undefined;
}

/** Beside a component: see `FlumeMapping`. */
export type FlumeMappings = () => readonly FlumeMapping[] | Promise<readonly FlumeMapping[]>;

/** A component while it is translated. */
export interface FlumeDraft {
  /** The value of a key; undefined when it is not given (or is empty, which Flume takes for not given). */
  value(key: string): FlumeValue | undefined;
  /** The keys that begin so, without their beginning. */
  below(prefix: string): ReadonlyMap<string, FlumeValue>;
  /** What our config holds so far. */
  get(path: string): unknown;
  /** Sets one of ours; `from` is the key of Flume's that it comes from. */
  set(path: string, value: unknown, from?: string): void;
  /** Takes one of ours away again. */
  unset(path: string): void;
  /** A comment beside the component: what became of something. */
  note(words: string): void;
  /** Goes on as Flume does, and says so. */
  doubt(key: string | undefined, message: string, hint?: string): void;
  /** A mistake: nothing is started. */
  refuse(key: string | undefined, message: string, hint?: string): void;
  /** Of a source: makes it several, with the same channels and interceptors. `headers` are set before the interceptors. */
  divide(parts: readonly FlumePart[]): void;
  /** The user's home folder, for defaults. */
  readonly home: string;
  /** A path of Flume's, which may be relative to where Flume is started. */
  path(written: string): string;
  /** Whether events may have this header when they come here. */
  mayHaveHeader(name: string): boolean;
}

/** One of the sources that a Flume source becomes. */
export interface FlumePart {
  /** Added to its name; empty for none. */
  readonly suffix: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** A name of Flume's as ours: names stand in identities and metrics here, and have fewer characters. */
export function legalFlumeName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 100);
}

/** A text that stands for itself in our config, whatever it looks like. */
export function literal(text: string): string {
  // As a function: in a text, `$$` would stand for one of them.
  return text.replaceAll("${", () => "$${");
}

const read = (value: unknown): FlumeReading => ({ ok: true, value });

/** As it is. */
export const asText: FlumeReader = ({ written }) => read(written);

/** Java's Boolean.parseBoolean: `true` in any case is true, all else is false. */
export const asFlag: FlumeReader = ({ text }) => read(text.toLowerCase() === "true");

/** The other way round. */
export const asNoFlag: FlumeReader = ({ text }) => read(text.toLowerCase() !== "true");

/** A whole number. */
export const asNumber: FlumeReader = (value) => number(value, (amount, written) => amount ?? written);

/** Milliseconds. */
export const asMs: FlumeReader = (value) => number(value, (amount, written) => `${amount ?? written}ms`);

/** Seconds. */
export const asSeconds: FlumeReader = (value) => number(value, (amount, written) => `${amount ?? written}s`);

/** Bytes. */
export const asBytes: FlumeReader = (value) => number(value, (amount, written) => `${amount ?? written}B`);

/** Words with white space between, as Flume writes most lists. */
export const asWords: FlumeReader = ({ written }) => read(written.split(/\s+/).filter((word) => word !== ""));

/** Words with commas between. */
export const asCommas: FlumeReader = ({ written }) =>
  read(
    written
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== ""),
  );

/** One of these words, in any case. */
export function asWord(words: Readonly<Record<string, unknown>>): FlumeReader {
  return ({ text }) => {
    const found = Object.entries(words).find(([word]) => word.toLowerCase() === text.toLowerCase());
    if (found !== undefined) return read(found[1]);
    return { ok: false, message: `"${text}" is none of ${Object.keys(words).join(", ")}` };
  };
}

function number(value: FlumeValue, show: (amount: number | undefined, written: string) => unknown): FlumeReading {
  if (!/^[-+]?\d+$/.test(value.text)) return { ok: false, message: `"${value.text}" is no whole number` };
  // A reference stays one: what it stands for is read when the agent starts.
  return read(show(value.written === value.text ? Number(value.text) : undefined, value.written));
}
