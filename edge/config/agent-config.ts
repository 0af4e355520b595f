import type { ListenAddress } from "../../shared/config/listen-address.ts";
import type { Level } from "../../shared/telemetry/log.ts";
import type { Context, SinkContext } from "../core/context.ts";
import type {
  ChannelDefinition,
  ChannelMaker,
  InterceptorDefinition,
  Maker,
  SelectorContext,
  SelectorDefinition,
  SinkDefinition,
  SourceDefinition,
  SourceMaker,
} from "../core/define.ts";
import type { Interceptor } from "../core/interceptor.ts";
import type { Layout } from "../core/layout.ts";
import type { Selector } from "../core/selector.ts";
import type { Sink } from "../core/sink.ts";

/** Every component there is, by kind: the generated list, or a test's own. */
export interface Registry {
  readonly sources: readonly SourceDefinition[];
  readonly interceptors: readonly InterceptorDefinition[];
  readonly selectors: readonly SelectorDefinition[];
  readonly channels: readonly ChannelDefinition[];
  readonly sinks: readonly SinkDefinition[];
}

/** A config that is complete and valid: every name leads somewhere, every maker holds a validated config. */
export interface AgentConfig {
  /** Part of every record's identity. */
  readonly agent: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Paths of the config and of the files that it names: secrets, certificates, modules. */
  readonly ownFiles: readonly string[];
  /** How long a line may wait for company before it is committed and sent. */
  readonly lingerMs: number;
  /** How long a stop may take; most of it is for draining. */
  readonly stopTimeoutMs: number;
  /** By name, in the order of the file; the same for the others. */
  readonly sources: ReadonlyMap<string, SourceConfig>;
  readonly channels: ReadonlyMap<string, ChannelMaker>;
  /** Those that drain a channel; members of a group stand in it. */
  readonly sinks: ReadonlyMap<string, SinkConfig>;
  /** Undefined: no admin HTTP. */
  readonly admin: ListenAddress | undefined;
  /** Whether the admin HTTP shows what events say. */
  readonly tap: boolean;
  readonly log: { readonly level: Level; readonly format: "text" | "json" };
  /** Undefined: it sends none. */
  readonly heartbeat: HeartbeatConfig | undefined;
}

/** What the centre is told beside the events, and how often. */
export interface HeartbeatConfig {
  readonly topic: string;
  /** Undefined: the first sink that can carry it. */
  readonly sink: string | undefined;
  readonly everyMs: number;
  /** How much of that the times between two differ by, so that a fleet does not beat at once. */
  readonly jitter: number;
}

/** A source with what its events pass through. */
export interface SourceConfig {
  readonly type: string;
  readonly make: SourceMaker;
  /** In the order of the chain. */
  readonly interceptors: readonly InterceptorConfig[];
  readonly selectorType: string;
  readonly selector: Maker<SelectorContext, Selector>;
  /** At least one; all exist. The selector answers indexes into this list. */
  readonly channels: readonly string[];
}

/** One link of a source's chain. `name` is its own `name`, or its type; unique within the source. */
export interface InterceptorConfig {
  readonly type: string;
  readonly name: string;
  readonly make: Maker<Context, Interceptor>;
}

/** A sink, the channel it drains, and how that channel lays events into lanes for it; all sinks of a channel agree. */
export interface SinkConfig {
  readonly type: string;
  readonly make: Maker<SinkContext, Sink>;
  readonly layout: Layout | undefined;
  /** Its channel must put the identity header on each record. */
  readonly needsIdentity: boolean;
  /** Of a member of a group: the one that its group drains. */
  readonly channel: string;
  /** Of a group: the sinks that it is made of, by name, in the order of its config. */
  readonly members: ReadonlyMap<string, SinkConfig>;
}
