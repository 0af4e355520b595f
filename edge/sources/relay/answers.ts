/** What a sender hears, in the words of central: `application/problem+json` (RFC 9457), by which a relay sink tells them from a proxy's. */
import type { AppError } from "../../../shared/errors/app-error.ts";
import type { Answer } from "../../listeners/http/exchange.ts";
import type { Refused } from "../../listeners/http/request.ts";
import type { codes as recordCodes } from "../../records/codes.ts";
import type { PushAnswer } from "../../records/push-desk.ts";
import { codes } from "./codes.ts";

type OwnCode = (typeof codes)[keyof typeof codes] | typeof recordCodes.EDGE_RELAY_RING;

const statuses: Readonly<Record<OwnCode["name"], number>> = {
  EDGE_RELAY_CONTENT: 422,
  EDGE_RELAY_TOO_LARGE: 413,
  EDGE_RELAY_AGENT: 403,
  EDGE_RELAY_TOKEN: 401,
  EDGE_RELAY_TYPE: 415,
  EDGE_RELAY_RING: 421,
  EDGE_RELAY_BUSY: 429,
  EDGE_RELAY_UNSURE: 503,
};
const problemType = "application/problem+json";
/** No room is longer gone than the next commit that is under way. */
const retryAfterSeconds = { busy: 1, full: 5, stopping: 5 } as const;

/** The store has so many records of the body, durably unless it says otherwise. */
export function taken(records: number, durable: boolean): Answer {
  return { status: 200, body: durable ? { records } : { records, durable } };
}

/** Nothing of the body was taken, for a reason of ours. */
export function problem(code: OwnCode, detail: string, more: Pick<Answer, "headers" | "ends"> = {}): Answer {
  const { name, hint } = code;
  const status = statuses[name];
  const body = { type: `urn:tailgate:${name}`, title: name, status, code: name, detail, hint };
  return { status, body, type: problemType, ...more };
}

/** What was thrown where a body was read. */
export function problemOf(thrown: AppError): Answer | undefined {
  const own = Object.values(codes).find(({ name }) => name === thrown.code);
  return own === undefined ? undefined : problem(own, thrown.message);
}

/**
 * What is no request that this source knows. Not in our own words: a sink buries nothing for it, because a proxy may have made
 * it so. The connection ends: what follows could be taken for a request.
 */
export function notOurs({ status, reason }: Refused, headers = ""): Answer {
  return { status, body: { type: "about:blank", status, detail: reason }, type: problemType, headers, ends: true };
}

/**
 * Where nothing was appended it is 429, whatever the reason: a group of sinks goes on with another member then. After a 5xx it
 * would have to wait for this one, which may have the batch.
 */
export function answerOf(answer: PushAnswer, records: number): Answer | undefined {
  switch (answer.kind) {
    case "taken":
      return taken(records, answer.durable);
    case "unknown":
      return problem(codes.EDGE_RELAY_UNSURE, "the aggregator stops", { headers: retryAfter(1) });
    case "not_taken":
      if (answer.reason === "gave_up") return undefined;
      if (answer.reason === "too_large") return problem(codes.EDGE_RELAY_TOO_LARGE, "more than may wait at once");
      return problem(codes.EDGE_RELAY_BUSY, `nothing was taken: ${answer.reason}`, {
        headers: retryAfter(retryAfterSeconds[answer.reason]),
      });
  }
}

function retryAfter(seconds: number): string {
  return `retry-after: ${seconds}\r\n`;
}
