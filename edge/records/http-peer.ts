/**
 * A server that a sink writes to over HTTP. What peers do in the wild is met here, once for all such sinks: they are slow,
 * answer half, answer without end, send us elsewhere, or ask to be left alone for a while.
 *
 * - A request, with the reading of its answer, ends within `timeout`.
 * - Of an answer a bounded number of bytes is read; the rest is not asked for.
 * - A redirect is not followed: whoever is behind it would get our credentials and our events.
 * - What a status says about the events is one table (`meaningOf`).
 */
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";
import { WatchedBody } from "./http-body.ts";
import { faultOf, neverConnected } from "./http-fault.ts";
import type { HttpFields } from "./http-fields.ts";

/** An answer, as far as it was read. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  /** It was longer than that. */
  readonly cut: boolean;
  readonly headers: Headers;
}

/** What to ask. */
export interface HttpQuestion {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** Without our credentials: it goes to another host than the config names. */
  readonly anonymous?: boolean;
  /** HTTP/2 alone is offered (https: by ALPN); left out, HTTP/1.1. */
  readonly http2?: boolean;
  /** Bytes of the answer that are read at most; a peer that sends more is a peer that went mad. */
  readonly answerBytesMax?: number;
}

/** What an answer means for the events that were sent. */
export type Meaning = "taken" | "refused" | "too_large" | "again" | "unauthorized" | "wrong";

const answerBytesMax = 256 * 1024;

/** The meaning of a status. */
export function meaningOf(status: number): Meaning {
  if (status >= 200 && status < 300) return "taken";
  if (status === 413) return "too_large";
  if (status === 400 || status === 422) return "refused";
  if (status === 401 || status === 403 || status === 407) return "unauthorized";
  if (status === 408 || status === 425 || status === 429 || status >= 500) return "again";
  return "wrong";
}

/** What it must know; the relay has connections of its own kind. */
type PeerFields = Omit<HttpFields, "keepConnection"> & Partial<Pick<HttpFields, "keepConnection">>;

export class HttpPeer {
  /** The last answer in a word, for the status page. */
  last = "nothing was asked yet";
  /** The last one had an answer: there may be a connection that was kept. */
  private isAnswered = false;
  private readonly authorization: Readonly<Record<string, string>>;

  constructor(private readonly fields: PeerFields) {
    const { token, user, password } = fields;
    const basic = () => `Basic ${Buffer.from(`${user}:${password}`, "utf8").toString("base64")}`;
    const value = token !== undefined ? `Bearer ${token}` : user !== undefined ? basic() : undefined;
    this.authorization = value === undefined ? {} : { authorization: value };
  }

  /**
   * Asks, and reads the answer. @throws AppError `EDGE_DESTINATION_AWAY` when there is no whole answer in time, and
   * `EDGE_DESTINATION_TLS` when the two do not trust each other.
   */
  async ask(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const { method, url, body, headers } = question;
    const { timeout, tls, keepConnection = true } = this.fields;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
    // Where the last one was answered the body goes as it is, in one packet with its headers: a watched one costs another.
    const watched = method === "POST" && body !== undefined && !this.isAnswered ? watchedOf(body) : undefined;
    try {
      const response = await fetch(url, {
        method,
        redirect: "manual",
        headers: {
          ...(question.anonymous === true ? {} : this.authorization),
          ...headers,
          ...(watched === undefined ? {} : { "content-length": String(watched.length) }),
        },
        signal: deadline,
        keepalive: keepConnection,
        ...(body === undefined ? {} : { body: watched?.stream() ?? body }),
        ...(question.http2 === true ? { protocol: "http2" } : {}),
        ...(tls === undefined ? {} : { tls: tlsOptions(tls) }),
      });
      const read = await readBounded(response, question.answerBytesMax ?? answerBytesMax, deadline);
      this.last = String(response.status);
      this.isAnswered = true;
      return { status: response.status, ...read, headers: response.headers };
    } catch (cause) {
      this.last = "no answer";
      this.isAnswered = false;
      // A POST is sent once. Of the other methods one that was sent on a kept connection, which then broke, is sent again
      // on a new one by the client itself: that this one was refused says nothing of the first.
      const isSentOnce = method === "POST" || !keepConnection;
      const nothingSent = watched?.begun === false || (isSentOnce && neverConnected(cause));
      const isTls = url.startsWith("https:");
      throw faultOf(cause, { what: `${method} ${shown(url)}`, isTls, timeoutMs: timeout, nothingSent });
    }
  }
}

function watchedOf(body: string | Uint8Array): WatchedBody {
  return new WatchedBody(typeof body === "string" ? Buffer.from(body, "utf8") : body);
}

/** The error for an answer that does not say that the events are taken. `what`: what was asked, in words. */
export function errorOf(answer: HttpAnswer, what: string): AppError {
  const { status, text, headers } = answer;
  const location = status >= 300 && status < 400 ? ` (sends us to ${headers.get("location") ?? "nowhere"})` : "";
  const message = `${what}: ${status}${location} ${excerpt(text)}`.trimEnd();
  switch (meaningOf(status)) {
    case "refused":
    case "too_large":
      return new AppError("EDGE_RECORD_REFUSED", message);
    case "unauthorized":
      return new AppError(codes.EDGE_DESTINATION_AUTH, message);
    case "wrong":
      return new AppError(codes.EDGE_DESTINATION_WRONG, message);
    case "taken":
    case "again": {
      const retryAfterMs = retryAfter(headers);
      // These say that it was not looked at; other failures of a server may come after it was taken.
      const nothingSent = status === 429 || status === 503;
      const isBusy = status === 429 || (status === 503 && retryAfterMs !== undefined);
      return new AppError(isBusy ? codes.EDGE_DESTINATION_BUSY : "EDGE_DESTINATION_AWAY", message, {
        nothingSent,
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      });
    }
  }
}

/** The longest that a peer may ask us to wait; more is a mistake of its clock. */
const retryAfterMsMax = 5 * 60_000;

/** The wait that the peer asks for, in milliseconds: seconds, or a date. */
export function retryAfter(headers: Headers, nowMs?: number): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (text === undefined || text === "") return undefined;
  const dated = headers.get("date");
  // By its own clock, where it says what time it is: ours may be wrong.
  const now = dated === null ? nowMs : Date.parse(dated);
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - (now ?? Number.NaN);
  return Number.isFinite(ms) ? Math.min(Math.max(ms, 0), retryAfterMsMax) : undefined;
}

/** The beginning of a text, on one line. */
export function excerpt(text: string, charactersMax = 300): string {
  const line = text.slice(0, charactersMax).replace(/\s+/g, " ").trim();
  return text.length > charactersMax ? `${line}…` : line;
}

/** Without what follows the path: it may name people. */
function shown(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.origin}${parsed.pathname}`;
}

async function readBounded(
  response: Response,
  bytesMax: number,
  signal: AbortSignal,
): Promise<{ text: string; cut: boolean }> {
  const reader = response.body?.getReader();
  if (reader === undefined) return { text: "", cut: false };
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // A body that hangs does not always notice the signal of its request.
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener("abort", stop, { once: true });
  try {
    for (;;) {
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return { text: textOf(parts, bytes), cut: false };
      parts.push(value);
      bytes += value.length;
      if (bytes <= bytesMax) continue;
      stop();
      return { text: textOf(parts, bytesMax), cut: true };
    }
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function textOf(parts: readonly Uint8Array[], bytes: number): string {
  return Buffer.concat(parts).toString("utf8", 0, bytes);
}

function tlsOptions({ ca, cert, key, passphrase, serverName }: NonNullable<HttpFields["tls"]>) {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}
