import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { AppError } from "../../shared/errors/app-error.ts";

/** Paths that a load balancer or an init system asks without a key; they tell nothing about vehicles. */
const open = new Set(["/livez", "/readyz"]);

/**
 * Asks for `Authorization: Bearer <key>`, or `?key=` once for the page, which a browser cannot give headers to.
 * Compared in constant time.
 */
export function requireKey(apiKey: string): MiddlewareHandler {
  const expected = digest(apiKey);
  return async (context, next) => {
    if (!open.has(context.req.path)) {
      const header = /^Bearer (.+)$/.exec(context.req.header("Authorization") ?? "")?.[1];
      const given = header ?? (context.req.path === "/" ? context.req.query("key") : undefined);
      if (given === undefined || !timingSafeEqual(digest(given), expected)) {
        throw new AppError("CENTRAL_UNAUTHORIZED", `${context.req.method} ${context.req.path}: no or a wrong API key`);
      }
    }
    await next();
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
