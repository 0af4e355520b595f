import { OpenAPIHono } from "@hono/zod-openapi";
import type { Clock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { ApiKey } from "../config/api-key.ts";
import type { RulesSnapshot } from "../ingest/rules-snapshot.ts";
import type { Lake } from "../lake/lake.ts";
import type { RedriveOperations, ReplayOperations } from "../replay/calls.ts";
import type { LiveReplays } from "../replay/live-source.ts";
import type { RuleSet } from "../rules/rule.ts";
import type { FleetService } from "../status/fleet.ts";
import type { StatusService } from "../status/status.ts";
import type { EventFeed } from "../store/feed-port.ts";
import type { StoreReader } from "../store/reader.ts";
import type { StoreOperations } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import { codes } from "./codes.ts";
import type { Guard } from "./guard.ts";
import type { RelayDesk } from "./relay/desk.ts";

/** What the routes need; nothing comes from globals. */
export interface ApiDependencies {
  readonly reader: StoreReader;
  /** Follows the store; undefined where its kind cannot. */
  readonly feed: EventFeed | undefined;
  /** Rules over events: what the file says, undefined without one, and what they have seen. */
  readonly rules: { readonly set: RuleSet | undefined; readonly snapshot: () => RulesSnapshot };
  /** What a key with the scope `operate` may do. */
  readonly operations: StoreOperations;
  /** Undefined: nothing is taken by relay. */
  readonly relay: RelayDesk | undefined;
  /** Undefined: this kind of store has no replay. */
  readonly replays: ReplayOperations | undefined;
  /** Replays to whoever asks; undefined: there is no Kafka. */
  readonly liveReplays: LiveReplays | undefined;
  /** Undefined: this kind of store tries no dead letters again. */
  readonly redrives: RedriveOperations | undefined;
  /** Undefined: none is configured. */
  readonly lake: Lake | undefined;
  readonly status: StatusService;
  /** Undefined: the store keeps nothing of it. */
  readonly fleet: FleetService | undefined;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly report: Report;
  /** Empty: nobody is asked. */
  readonly keys: readonly ApiKey[];
  /** What is relayed needs a client certificate. */
  readonly relayNeedsCertificate?: boolean | undefined;
  /** Of each key. */
  readonly requestsPerSecond: number;
  /** Whether a request for this `Host` is meant for us. */
  readonly isOurHost: (host: string | undefined) => boolean;
}

/** What a request carries from one handler to the next. */
export interface ApiEnvironment {
  /** Who asks, as the connection tells it. */
  readonly Bindings: Partial<Caller>;
  readonly Variables: {
    readonly requestId: string;
    /** Of the caller's trace, when it has one. */
    readonly traceId: string | undefined;
    readonly guard: Guard;
    readonly keyName: string;
  };
}

/** A resource's own application, to which its routes are added. */
export function resource() {
  return new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (result.success) return;
      const mistakes = result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
      throw new AppError(codes.CENTRAL_BAD_REQUEST, `read the parameters: ${mistakes.join("; ")}`);
    },
  });
}
