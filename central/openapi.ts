/** The HTTP interface as a document: what `central/openapi.json` holds, and what the running service hands out. */
import { systemClock } from "../shared/clock/clock.ts";
import { silent } from "../shared/telemetry/log.ts";
import { Metrics } from "../shared/telemetry/metrics.ts";
import { createApi, openApiDocument } from "./app.ts";
import { noSnapshot } from "./ingest/snapshot.ts";
import { StatusService } from "./status.ts";
import { SqliteReader } from "./store/sqlite/reader.ts";

/** The generated file's text. Opens nothing: the routes are mounted, not asked. */
export function renderOpenApi(): string {
  const reader = new SqliteReader("never-opened.db");
  const status = new StatusService({ reader, clock: systemClock, snapshot: () => noSnapshot });
  const api = createApi({
    reader,
    status,
    clock: systemClock,
    metrics: new Metrics(),
    report: silent,
    keys: [],
    isOurHost: () => true,
  });
  return `${JSON.stringify(openApiDocument(api), null, 2)}\n`;
}
