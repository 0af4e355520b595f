/**
 * One declaration a component: its words, its Zod schema, its example, how to make it. From it come the types, the
 * validation, the JSON Schema, the reference page and `tailgate list`; nothing about a component is said twice.
 *
 * Definitions of all kinds stand in one generated list, so they must have one type. `read` keeps the config typed
 * without a cast: it validates and hands back a closure over the typed config.
 */
import type { z } from "zod";
import type { Channel, ChannelSettings, Keeping } from "./channel.ts";
import type { ChannelStore, StoredChannel } from "./channel-store.ts";
import type { Context, SinkContext, SourceContext } from "./context.ts";
import type { FlumeMappings } from "./flume-mapping.ts";
import type { Remark, Surroundings } from "./inspect.ts";
import type { Interceptor } from "./interceptor.ts";
import type { Layout } from "./layout.ts";
import type { Selector } from "./selector.ts";
import type { Finding, Sink } from "./sink.ts";
import type { Source } from "./source.ts";

/** What a user may count on: `stable` keeps its config and its meaning over minor versions, `experimental` may change both. */
export type Stability = "stable" | "experimental";

interface Words {
  /** As the config writes it: a snake_case noun. */
  readonly type: string;
  /** One sentence for lists and the reference page. */
  readonly summary: string;
  readonly stability: Stability;
  /** What of a flume.conf becomes this component. */
  readonly flume?: FlumeMappings | undefined;
}

/** A config that was read: valid, or with everything that is wrong about it. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly z.core.$ZodIssue[] };

interface Definition<Kind extends string, Made> extends Words {
  readonly kind: Kind;
  readonly config: z.ZodType;
  readonly example: unknown;
  /** Validates a raw config (without `type`, which the caller has looked at). */
  read(raw: unknown): Reading<Made>;
}

/** Makes the component, later, in its context. */
export interface Maker<C, T> {
  /** The validated config, for `check --print` and the like; secrets still in it. */
  readonly config: Readonly<Record<string, unknown>>;
  /** A promise where the implementation is loaded first: nothing of it runs in an agent whose config does not name it. */
  create(context: C): T | Promise<T>;
}

/** Makes a source. */
export interface SourceMaker extends Maker<SourceContext, Source> {
  /** It brings batches that other agents made (`Intake.carry`): nothing that must see single events can stand between. */
  readonly carries?: boolean;
  /** Compares its config with this machine as it is now, for `check`. Changes nothing, and ends soon. */
  inspect?(surroundings: Surroundings): Promise<readonly Remark[]>;
}

/** What a channel is made in. */
export interface ChannelContext extends Context {
  /** The agent's one file. */
  readonly store: ChannelStore;
}

/** Makes a channel; beside that what the config's rules and the agent's file must know before it is made. */
export interface ChannelMaker extends Maker<ChannelContext, Channel> {
  readonly type: string;
  readonly keeping: Keeping;
  readonly settings: ChannelSettings;
  readonly bytesMax: number;
  /** Batches older than this are shed; undefined: never. */
  readonly ttlMs: number | undefined;
  /** Of a channel that has rows in the agent's file: what the file is to know of it. */
  readonly stored: StoredChannel | undefined;
  /** Others may feed it, or drain it: a source or a sink of ours is enough. */
  readonly isShared: boolean;
  /** As `Sink.probe`, of a channel that is somewhere else: it is not made for that. */
  probe?(context: Context, signal: AbortSignal): Promise<readonly Finding[]>;
}

/** Lets a selector check that the channels it names are its source's. */
export interface SelectorContext extends Context {
  readonly channels: readonly string[];
}

/** A source as the registry knows it. */
export type SourceDefinition = Definition<"source", SourceMaker>;
/** An interceptor as the registry knows it. */
export type InterceptorDefinition = Definition<"interceptor", Maker<Context, Interceptor>>;
/** A selector as the registry knows it. */
export type SelectorDefinition = Definition<"selector", Maker<SelectorContext, Selector>>;
/** Makes a sink; beside that what the config's rules must know of it. */
export interface SinkMaker extends Maker<SinkContext, Sink> {
  /** Undefined: one lane a stream. */
  readonly layout: Layout | undefined;
  /** Its destination knows a record by the identity header alone. */
  readonly needsIdentity: boolean;
}

/** A sink as the registry knows it. */
export type SinkDefinition = Definition<"sink", SinkMaker>;
/** A channel as the registry knows it. */
export type ChannelDefinition = Definition<"channel", ChannelMaker>;
/** A component of any kind, for lists and the reference page. */
export type AnyDefinition =
  | SourceDefinition
  | InterceptorDefinition
  | SelectorDefinition
  | SinkDefinition
  | ChannelDefinition;

interface Declaration<S extends z.ZodType, C, T> extends Words {
  /** Its schema, built when somebody first asks: a schema takes some 100 KB, and most agents name few components. */
  config(): S;
  readonly example: z.input<S>;
  /** What is large or needs a package is loaded here, with `await import(…)`: the file of a definition stays light. */
  create(config: z.output<S>, context: C): T | Promise<T>;
}

type ConfigSchema = z.ZodType<Readonly<Record<string, unknown>>>;

export function defineSource<S extends ConfigSchema>(
  declaration: Declaration<S, SourceContext, Source> & {
    /** See `SourceMaker.carries`; without it, it brings events. */
    carries?(config: z.output<S>): boolean;
    /** See `SourceMaker.inspect`; without it there is nothing to compare. */
    inspect?(config: z.output<S>, surroundings: Surroundings): Promise<readonly Remark[]>;
  },
): SourceDefinition {
  const read = (schema: S, raw: unknown): Reading<SourceMaker> => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) return { ok: false, issues: parsed.error.issues };
    const config = parsed.data;
    const create = (context: SourceContext) => declaration.create(config, context);
    const inspect = async (surroundings: Surroundings) => (await declaration.inspect?.(config, surroundings)) ?? [];
    const carries = declaration.carries?.(config) ?? false;
    return { ok: true, value: { config, carries, create, inspect } };
  };
  return withKind("source", define(declaration, read));
}

export function defineInterceptor<S extends ConfigSchema>(
  declaration: Declaration<S, Context, Interceptor>,
): InterceptorDefinition {
  return withKind("interceptor", define(declaration, readMaker(declaration)));
}

export function defineSelector<S extends ConfigSchema>(
  declaration: Declaration<S, SelectorContext, Selector>,
): SelectorDefinition {
  return withKind("selector", define(declaration, readMaker(declaration)));
}

export function defineSink<S extends ConfigSchema>(
  declaration: Declaration<S, SinkContext, Sink> & {
    /** How its channel lays events into lanes; without it, one lane a stream. */
    layout?(config: z.output<S>): Layout;
    /** See `SinkMaker.needsIdentity`. */
    readonly needsIdentity?: boolean;
  },
): SinkDefinition {
  const read = (schema: S, raw: unknown): ReturnType<SinkDefinition["read"]> => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) return { ok: false, issues: parsed.error.issues };
    const config = parsed.data;
    const create = (context: SinkContext) => declaration.create(config, context);
    const { needsIdentity = false } = declaration;
    return { ok: true, value: { config, create, layout: declaration.layout?.(config), needsIdentity } };
  };
  return withKind("sink", define(declaration, read));
}

export function defineChannel<S extends ConfigSchema>(
  declaration: Declaration<S, ChannelContext, Channel> & {
    readonly keeping: Keeping;
    /** How batches are built, and the channel's bounds. */
    bounds(config: z.output<S>): Pick<ChannelMaker, "settings" | "bytesMax" | "ttlMs">;
    /** Of a channel that has rows in the agent's file. */
    stored?(config: z.output<S>): StoredChannel;
    /** See `ChannelMaker.isShared`. */
    readonly isShared?: boolean;
    /** See `ChannelMaker.probe`. */
    probe?(config: z.output<S>, context: Context, signal: AbortSignal): Promise<readonly Finding[]>;
  },
): ChannelDefinition {
  const { type, keeping, isShared = false } = declaration;
  const read = (schema: S, raw: unknown): Reading<ChannelMaker> => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) return { ok: false, issues: parsed.error.issues };
    const config = parsed.data;
    const create = (context: ChannelContext) => declaration.create(config, context);
    const stored = declaration.stored?.(config);
    const made = { type, keeping, config, ...declaration.bounds(config), stored, isShared, create };
    if (declaration.probe === undefined) return { ok: true, value: made };
    const probe = async (context: Context, signal: AbortSignal) =>
      (await declaration.probe?.(config, context, signal)) ?? [];
    return { ok: true, value: { ...made, probe } };
  };
  return withKind("channel", define(declaration, read));
}

/** Not by spreading: that would build the schema. */
function withKind<K extends string, D extends object>(kind: K, definition: D): D & { readonly kind: K } {
  return Object.assign(definition, { kind });
}

/** What a definition says beside `kind`; `read` is handed the schema. */
function define<S extends ConfigSchema, Made>(
  declaration: Words & { config(): S; readonly example: unknown },
  read: (schema: S, raw: unknown) => Reading<Made>,
) {
  const { type, summary, stability, example, flume } = declaration;
  let schema: S | undefined;
  const config = () => {
    schema ??= declaration.config();
    return schema;
  };
  return {
    type,
    summary,
    stability,
    example,
    flume,
    get config() {
      return config();
    },
    read: (raw: unknown) => read(config(), raw),
  };
}

function readMaker<S extends ConfigSchema, C, T>(declaration: Declaration<S, C, T>) {
  return (schema: S, raw: unknown): Reading<Maker<C, T>> => {
    const parsed = schema.safeParse(raw);
    if (!parsed.success) return { ok: false, issues: parsed.error.issues };
    const config = parsed.data;
    return { ok: true, value: { config, create: (context) => declaration.create(config, context) } };
  };
}
