import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Clock } from "../../shared/clock/clock.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import type { StatusService } from "../status.ts";
import type { StoreReader } from "../store/reader.ts";

/** What the routes need; nothing comes from globals. */
export interface ApiDependencies {
  readonly reader: StoreReader;
  readonly status: StatusService;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly report: Report;
  /** Asked of every request but the health checks; undefined: nobody is asked. */
  readonly apiKey: string | undefined;
}

/** What a request carries from one handler to the next. */
export interface ApiEnvironment {
  readonly Variables: { readonly requestId: string };
}

/** The application that routes are added to. */
export type Api = OpenAPIHono<ApiEnvironment>;
