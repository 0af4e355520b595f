/** The one place that turns what was thrown into HTTP: `application/problem+json` (RFC 9457) with our code and hint. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { relayCodes } from "../ingest/relay/codes.ts";
import { requestFailed } from "../telemetry.ts";
import type { ApiEnvironment } from "./api.ts";
import { codes } from "./codes.ts";
import type { deskCodes } from "./relay/codes.ts";

/** The body of every error (RFC 9457). */
export const Problem = z
  .object({
    type: z.string().openapi({ example: "urn:tailgate:CENTRAL_NOT_FOUND" }),
    title: z.string(),
    status: z.int(),
    code: z.string().openapi({ example: "CENTRAL_NOT_FOUND" }),
    detail: z.string(),
    hint: z.string(),
    requestId: z.string(),
    traceId: z.string().optional().openapi({ description: "The trace of the request's `traceparent`." }),
  })
  .openapi("Problem");

type ProblemStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 421 | 422 | 429 | 500 | 501 | 503;

type AnsweredCode =
  | keyof typeof codes
  | keyof typeof deskCodes
  | keyof typeof relayCodes
  | "CENTRAL_STORE_UNAVAILABLE"
  | "CENTRAL_LAKE_OFF"
  | "CENTRAL_LAKE_TABLE"
  | "CENTRAL_LAKE_DISK"
  | "CENTRAL_REPLAY_UNKNOWN"
  | "CENTRAL_REPLAY_STATE"
  | "CENTRAL_REPLAY_TARGET"
  | "CENTRAL_REPLAY_UNSUPPORTED"
  | "CENTRAL_REPLAY_NO_KAFKA"
  | "CENTRAL_REPLAY_KAFKA"
  | "CENTRAL_REPLAY_WIDE"
  | "CENTRAL_REPLAY_STREAMS"
  | "CENTRAL_REPLAY_TOPIC"
  | "CENTRAL_REDRIVE_UNKNOWN"
  | "CENTRAL_REDRIVE_RUNNING"
  | "CENTRAL_REDRIVE_STATE"
  | "CENTRAL_REDRIVE_UNSUPPORTED";

const statuses: Readonly<Record<AnsweredCode, ProblemStatus>> = {
  CENTRAL_BAD_REQUEST: 400,
  CENTRAL_BODY_TOO_LARGE: 413,
  CENTRAL_UNAUTHORIZED: 401,
  CENTRAL_FORBIDDEN: 403,
  CENTRAL_CERTIFICATE_NEEDED: 403,
  CENTRAL_NOT_FOUND: 404,
  CENTRAL_METHOD: 405,
  CENTRAL_HOST_REFUSED: 421,
  CENTRAL_TOO_MANY_REFUSALS: 429,
  CENTRAL_RATE_LIMITED: 429,
  CENTRAL_TOO_MANY_EXPORTS: 429,
  CENTRAL_TOO_MANY_SUBSCRIBERS: 429,
  CENTRAL_NOT_IN_THIS_STORE: 501,
  CENTRAL_STORE_UNAVAILABLE: 503,
  CENTRAL_LAKE_OFF: 404,
  CENTRAL_LAKE_TABLE: 503,
  CENTRAL_LAKE_DISK: 503,
  CENTRAL_REPLAY_UNKNOWN: 404,
  CENTRAL_REPLAY_STATE: 409,
  CENTRAL_REPLAY_TARGET: 400,
  CENTRAL_REPLAY_UNSUPPORTED: 501,
  CENTRAL_REPLAY_NO_KAFKA: 409,
  CENTRAL_REPLAY_KAFKA: 503,
  CENTRAL_REPLAY_WIDE: 400,
  CENTRAL_REPLAY_STREAMS: 429,
  CENTRAL_REPLAY_TOPIC: 404,
  CENTRAL_REDRIVE_UNKNOWN: 404,
  CENTRAL_REDRIVE_RUNNING: 409,
  CENTRAL_REDRIVE_STATE: 409,
  CENTRAL_REDRIVE_UNSUPPORTED: 501,
  CENTRAL_RELAY_OFF: 409,
  CENTRAL_RELAY_TYPE: 415,
  CENTRAL_RELAY_BUSY: 429,
  CENTRAL_RELAY_SLOW: 408,
  CENTRAL_RELAY_CONTENT: 422,
  CENTRAL_RELAY_TOO_LARGE: 413,
  CENTRAL_RELAY_AGENT: 403,
};

const titles: Readonly<Record<ProblemStatus, string>> = {
  400: "Bad request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  408: "Request timeout",
  409: "Conflict",
  413: "Content too large",
  415: "Unsupported media type",
  421: "Misdirected request",
  422: "Unprocessable content",
  429: "Too many requests",
  500: "Internal error",
  501: "Not in this store",
  503: "Store unavailable",
};

/** For a route's `responses`: one that is not in the lists below. */
export function problem(description: string) {
  return { description, content: { "application/problem+json": { schema: Problem } } };
}

/** For a route's `responses`. */
export const problems = {
  400: { description: "A parameter is wrong.", content: { "application/problem+json": { schema: Problem } } },
  401: { description: "No or a wrong API key.", content: { "application/problem+json": { schema: Problem } } },
  403: {
    description: "The key is good for other things.",
    content: { "application/problem+json": { schema: Problem } },
  },
  429: {
    description: "Too many at once; `Retry-After` says when to come back.",
    content: { "application/problem+json": { schema: Problem } },
  },
  503: { description: "The store is away.", content: { "application/problem+json": { schema: Problem } } },
};

/** As `problems`, for a route that names one thing. */
export const problemsWithNotFound = {
  ...problems,
  404: { description: "No such thing.", content: { "application/problem+json": { schema: Problem } } },
};

/** As `problems`, for a route that takes a body of JSON. */
export const problemsWithBody = {
  ...problems,
  413: problem("The body is too large."),
};

/** As `problemsWithNotFound`, for what not every kind of store can do. */
export const problemsWithNotHere = {
  ...problems,
  501: { description: "This kind of store cannot.", content: { "application/problem+json": { schema: Problem } } },
};

/** Hono's error handler. */
export function problemResponse(thrown: Error, context: Context<ApiEnvironment>, report: Report): Response {
  const error = asAppError(thrown);
  const status = statusOf(error.code);
  // What went wrong inside is for the log; the caller gets a number to ask for it.
  const detail = status === 500 ? "something broke inside central" : messageOf(error);
  const { code, hint } = error;
  const requestId = context.get("requestId");
  const traceId = context.get("traceId");
  if (status === 500) report(requestFailed, { path: context.req.path, requestId, traceId, error: messageOf(error) });
  const body: z.infer<typeof Problem> = {
    type: `urn:tailgate:${code}`,
    title: titles[status],
    status,
    code,
    detail,
    hint,
    requestId,
    ...(traceId === undefined ? {} : { traceId }),
  };
  const headers: Record<string, string> = { "Content-Type": "application/problem+json" };
  if (status === 401) headers["WWW-Authenticate"] = "Bearer";
  if (status === 503 || status === 429) {
    headers["Retry-After"] = String(Math.max(1, Math.ceil((error.retryAfterMs ?? 1_000) / 1_000)));
  }
  // What is left of a body that nobody reads would keep the connection for its sender.
  if (status === 408 || status === 413 || code === "CENTRAL_RELAY_BUSY") headers.Connection = "close";
  return context.body(JSON.stringify(body), status, headers);
}

function statusOf(code: string): ProblemStatus {
  return new Map(Object.entries(statuses)).get(code) ?? 500;
}

function asAppError(thrown: Error): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof HTTPException && thrown.status < 500) {
    return new AppError(codes.CENTRAL_BAD_REQUEST, `read the request: ${thrown.message}`, { cause: thrown });
  }
  return new AppError("INVARIANT", "answer a request", { cause: thrown });
}
