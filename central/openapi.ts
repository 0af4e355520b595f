/** The HTTP interface as a document: what `central/openapi.json` holds, and what the running service hands out. */
import { systemClock } from "../shared/clock/clock.ts";
import { silent } from "../shared/telemetry/log.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { createApi, openApiDocument } from "./app.ts";
import { noRulesSnapshot } from "./ingest/rules-snapshot.ts";
import { noSnapshot } from "./ingest/snapshot.ts";
import { StatusService } from "./status/status.ts";
import { storeKindOf } from "./store/kinds.ts";

/** The generated file's text. Opens nothing: the routes are mounted, not asked. */
export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(mounted()), null, 2)}\n`;
}

/** A route as the reference lists it. */
export interface ListedRoute {
  readonly method: string;
  readonly path: string;
  /** Of the key that is asked for; "open" when none is. */
  readonly scope: string;
  readonly summary: string;
}

/** All routes. */
export function openApiOf(): readonly ListedRoute[] {
  return mounted().openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== "route") return [];
    const { path, summary = "", security = [], method } = definition.route;
    const scope = security.flatMap((one) => Object.values(one).flat()).join(", ");
    return [{ method: method.toUpperCase(), path, scope: scope === "" ? "open" : scope, summary }];
  });
}

function mounted() {
  const reader = storeKindOf("never-opened.db").reader("never-opened.db");
  const clock = systemClock;
  const status = new StatusService({
    reader,
    clock,
    snapshot: () => noSnapshot,
    kafkaConfigured: true,
    relay: undefined,
  });
  const metrics = new Metrics();
  const fleet = undefined;
  const operations = { quarantine: async () => {}, forget: async () => 0 };
  return createApi({
    reader,
    feed: undefined,
    lake: undefined,
    rules: { set: undefined, snapshot: () => noRulesSnapshot },
    operations,
    relay: undefined,
    replays: undefined,
    redrives: undefined,
    liveReplays: undefined,
    status,
    fleet,
    clock,
    metrics,
    report: silent,
    keys: [],
    requestsPerSecond: 1,
    isOurHost: () => true,
  });
}
