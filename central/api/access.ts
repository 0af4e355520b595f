/**
 * Who may ask for what. Each route says it where it is declared: `...anybody` or `...withScope("read")`; the document shows
 * it, and the check stands in the route itself. `app.test.ts` goes through all routes: one that says neither is found.
 */
import type { MiddlewareHandler } from "hono";
import type { Scope } from "../config/api-key.ts";
import type { ApiEnvironment } from "./api.ts";
import { boundJson } from "./body.ts";

/** For routes that hold no data: health, and the page. */
export const anybody = { security: [] };

/** For all others. */
export function withScope(scope: Scope) {
  const check: MiddlewareHandler<ApiEnvironment> = async (context, next) => {
    const { path } = context.req;
    const authorization = context.req.header("Authorization");
    const asked = { authorization, certificate: context.env?.certificate, path, traceId: context.get("traceId") };
    context.set("keyName", await context.get("guard").check(scope, asked));
    await next();
  };
  return { security: [{ key: [scope] }], middleware: scope === "relay" ? [check] : [check, boundJson] };
}
