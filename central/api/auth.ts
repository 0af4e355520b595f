import { createHash, timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { AppError } from "../../shared/errors/app-error.ts";

/** What is answered without a key: health for load balancers, and the page, which holds no data and asks for the key. */
const open = new Set(["/", "/livez", "/readyz"]);

/** Asks for `Authorization: Bearer <key>`; compared in constant time. */
export function requireKey(apiKey: string): MiddlewareHandler {
  const expected = digest(apiKey);
  return async (context, next) => {
    if (!open.has(context.req.path)) {
      const given = /^Bearer (.+)$/.exec(context.req.header("Authorization") ?? "")?.[1];
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
