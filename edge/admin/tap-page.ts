/** The page `/tap`: events as they pass, a line of JSON each, for as long as somebody reads. */
import { z } from "zod";
import { streamed } from "../../shared/http/streamed.ts";
import type { OpenedTap, TapOptions, TapPoint } from "../taps/tap.ts";

/** What the page is made from. */
export interface TapPage {
  /** Whether the config lets whoever reaches this address see what the events say. */
  readonly allowed: () => boolean;
  readonly open: (options: TapOptions) => OpenedTap;
}

/** A reader that takes nothing for so long is let go. */
const stallMs = 30_000;
/** A tap that was forgotten costs nothing for ever. */
const lifeMs = 3_600_000;

const number = (max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value <= max);

const Question = z
  .strictObject({
    source: z.string().min(1).max(100),
    interceptor: z.string().max(100).optional(),
    lane: number(1_000_000).optional(),
    channel: z.string().max(100).optional(),
    rate: number(1_000)
      .refine((value) => value > 0)
      .default(10),
    bytes: number(8_192).default(512),
  })
  .refine(({ interceptor, lane }) => interceptor === undefined || lane === undefined)
  .refine(({ lane, channel }) => channel === undefined || lane !== undefined);

const usage =
  "ask for /tap?source=NAME, with interceptor=NAME or lane=NUMBER (and channel=NAME), rate=1..1000 events a second, bytes=0..8192 of a body\n";

/** Answers a request for it. `keepOpen`: a quiet answer is not cut. */
export function answerTap(request: Request, { allowed, open }: TapPage, keepOpen: () => void): Response {
  if (request.method !== "GET") return new Response("only GET\n", { status: 405, headers: { allow: "GET" } });
  if (!allowed()) {
    const why =
      "this address may not show what events say: put the admin HTTP on a Unix socket, or say `admin.tap: true`";
    return new Response(`${why}\n`, { status: 403 });
  }
  // A page from elsewhere cannot read the answer; it shall not even take the places of those who can.
  const site = request.headers.get("sec-fetch-site") ?? "none";
  if (site !== "none" && site !== "same-origin") return new Response("not from a web page\n", { status: 403 });
  const question = Question.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (!question.success) return new Response(usage, { status: 400 });
  const { rate, bytes } = question.data;
  const nowMs = () => performance.now();
  const opened = open({ point: pointOf(question.data), eventsPerSecond: rate, bodyBytesMax: bytes, nowMs });
  switch (opened.kind) {
    case "unknown":
      return new Response(`${opened.message}\n`, { status: 404 });
    case "busy":
      return new Response("as many taps are open as may be\n", { status: 503 });
    case "open":
      keepOpen();
      return new Response(bodyOf(opened), { headers: { "content-type": "application/x-ndjson; charset=utf-8" } });
  }
}

function bodyOf({ tap, close }: Extract<OpenedTap, { kind: "open" }>): ReadableStream<Uint8Array> {
  const over = setTimeout(close, lifeMs);
  const ended = () => {
    clearTimeout(over);
    close();
  };
  return streamed({ parts: tap.parts(), stallMs, ended });
}

function pointOf({ source, interceptor, lane, channel }: z.output<typeof Question>): TapPoint {
  if (lane !== undefined) return { kind: "lane", stream: source, lane, channel };
  if (interceptor !== undefined) return { kind: "interceptor", stream: source, interceptor };
  return { kind: "source", stream: source };
}
