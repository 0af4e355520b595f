/** Makes events of a body. */
import { limits } from "../../core/limits.ts";
import type { RequestHead } from "../../listeners/http/request.ts";
import type { PushedEvent } from "../../records/push-desk.ts";
import type { Config, RequestField } from "./config.ts";
import type { Common, WrongBody } from "./posted.ts";
import { tailgateEvents } from "./tailgate-events.ts";

const lineFeed = 10;
const carriageReturn = 13;
/** A body of empty lines or of empty objects makes many events of few bytes. */
const eventsMax = 100_000;

/** The events of a body, or what is wrong with it. */
export function eventsOf(body: Buffer, head: RequestHead, config: Config): readonly PushedEvent[] | WrongBody {
  const common = commonOf(head, config);
  switch (config.format) {
    case "blob":
      return tooLarge([{ body, ...common }]);
    case "lines":
      return tooLarge(lines(body).map((line) => ({ body: line, ...common })));
    case "ndjson":
      return ndjson(body, common);
    case "flume_json":
      return flumeJson(body, head, common);
    case "tailgate":
      return orTooLarge(tailgateEvents(body, common, eventsMax));
  }
}

function commonOf(head: RequestHead, { key: keyField, headers: fields, queryHeaders }: Config): Common {
  const headers = new Map<string, string>(queryHeaders ? head.url.searchParams : []);
  for (const [name, field] of Object.entries(fields)) {
    const value = fieldOf(head, field);
    if (value !== undefined) headers.set(name, value);
  }
  const key = keyField === undefined ? undefined : fieldOf(head, keyField);
  return { headers: headersOf(headers), ...(key === undefined ? {} : { key }) };
}

/** By definition, not by assignment: a header called __proto__ is a header like any other. */
function headersOf(entries: Iterable<readonly [string, string]>): Readonly<Record<string, string>> {
  return Object.fromEntries(entries);
}

function fieldOf({ url, headers }: RequestHead, { from, name }: RequestField): string | undefined {
  return from === "header" ? headers.get(name) : (url.searchParams.get(name) ?? undefined);
}

/** Without their line ends; what stands behind the last line feed is a line unless it is empty. */
function lines(body: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < body.length && found.length <= eventsMax; ) {
    const next = body.indexOf(lineFeed, at);
    const end = next < 0 ? body.length : next;
    found.push(body.subarray(at, end > at && body[end - 1] === carriageReturn ? end - 1 : end));
    at = end + 1;
  }
  return found;
}

function ndjson(body: Buffer, common: Common): readonly PushedEvent[] | WrongBody {
  const events: PushedEvent[] = [];
  for (const [index, line] of lines(body).entries()) {
    if (line.length === 0) continue;
    try {
      JSON.parse(line.toString("utf8"));
    } catch {
      return { status: 400, reason: `line ${index} is not JSON`, index };
    }
    events.push({ body: line, ...common });
  }
  return tooLarge(events);
}

const charsets = {
  "utf-8": "utf-8",
  "us-ascii": "utf-8",
  "utf-16": "utf-16le",
  "utf-16le": "utf-16le",
  "utf-16be": "utf-16be",
  "iso-8859-1": "latin1",
} as const;
const isCharset = (name: string): name is keyof typeof charsets => name in charsets;

/** As Flume's JSONHandler reads it: what is not known is left out, a missing body is an empty one. */
function flumeJson(body: Buffer, { headers }: RequestHead, common: Common): readonly PushedEvent[] | WrongBody {
  const charset = /charset="?([\w-]+)/i.exec(headers.get("content-type") ?? "")?.[1]?.toLowerCase() ?? "utf-8";
  if (!isCharset(charset)) return { status: 415, reason: "the charset is not known" };
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder(charsets[charset], { fatal: true }).decode(body));
  } catch {
    return { status: 400, reason: `the body is not JSON in ${charset}` };
  }
  if (!Array.isArray(list)) return { status: 400, reason: 'the body is not an array of {"headers": {…}, "body": "…"}' };
  if (list.length > eventsMax) return { status: 413, reason: `more than ${eventsMax} events` };
  const events: PushedEvent[] = [];
  for (const [index, each] of list.entries()) {
    const event = flumeEvent(each, common);
    if (typeof event === "string") return { status: 400, reason: `event ${index}: ${event}`, index };
    events.push(event);
  }
  return tooLarge(events);
}

function flumeEvent(raw: unknown, common: Common): PushedEvent | string {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return "not an object";
  const {
    headers: rawHeaders = {},
    body = "",
    key = common.key,
    timestamp,
  }: Partial<Record<string, unknown>> = { ...raw };
  if (typeof body !== "string") return "its body is not a text";
  if (typeof key !== "string" && key !== undefined) return "its key is not a text";
  if (timestamp !== undefined && !Number.isSafeInteger(timestamp))
    return "its timestamp is not a whole number of milliseconds";
  if (typeof rawHeaders !== "object" || rawHeaders === null || Array.isArray(rawHeaders))
    return "its headers are not an object";
  const headers = Object.entries(common.headers);
  for (const [name, value] of Object.entries(rawHeaders)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      return `its header ${JSON.stringify(name.slice(0, 100))} is not a text`;
    }
    headers.push([name, String(value)]);
  }
  return {
    body: Buffer.from(body, "utf8"),
    headers: headersOf(headers),
    ...(key === undefined ? {} : { key }),
    ...(typeof timestamp === "number" ? { eventTimeMs: timestamp } : {}),
  };
}

function orTooLarge(events: readonly PushedEvent[] | WrongBody): readonly PushedEvent[] | WrongBody {
  return "status" in events ? events : tooLarge(events);
}

/** Nothing of a request is taken when one of its events can never be. */
function tooLarge(events: readonly PushedEvent[]): readonly PushedEvent[] | WrongBody {
  if (events.length > eventsMax) return { status: 413, reason: `more than ${eventsMax} events` };
  const index = events.findIndex(({ body }) => body.length > limits.lineBytesMax);
  if (index < 0) return events;
  return { status: 413, reason: `event ${index} is larger than ${limits.lineBytesMax} bytes`, index };
}
