/** What is answered to other methods than a path has: 405 with `Allow` (RFC 9110, 15.5.6), and 204 with it to OPTIONS. */

import type { OpenAPIHono } from "@hono/zod-openapi";
import { AppError } from "../../shared/errors/app-error.ts";
import type { ApiEnvironment } from "./api.ts";
import { codes } from "./codes.ts";

/** To be called when all routes are mounted. */
export function refuseOtherMethods(api: OpenAPIHono<ApiEnvironment>): void {
  const paths = new Map<string, Set<string>>();
  for (const { method, path } of api.routes) {
    if (method === "ALL") continue; // middleware
    const methods = paths.get(path) ?? new Set();
    methods.add(method);
    paths.set(path, methods);
  }
  for (const [path, methods] of paths) {
    const allow = [...methods, ...(methods.has("GET") ? ["HEAD"] : []), "OPTIONS"].sort().join(", ");
    api.all(path, (context) => {
      context.header("Allow", allow);
      if (context.req.method === "OPTIONS") return context.body(null, 204);
      throw new AppError(codes.CENTRAL_METHOD, `${context.req.method} ${context.req.path}: there is ${allow}`);
    });
  }
}
