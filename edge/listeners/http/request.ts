/**
 * Reads HTTP/1.1 requests from a connection.
 *
 * By hand, because what matters here is what a server library leaves open: how many bytes of a request are held, for how
 * long it may take, and that a connection is not read while its events wait for room. It is strict: a request that two readers
 * could understand differently (two lengths, a length and chunks, a folded header, a bare line feed in the head) is refused.
 */
import type { Connection } from "../connection.ts";

/** The head of a request. */
export interface RequestHead {
  readonly method: string;
  readonly url: URL;
  /** By name in lower case; several of one name joined by commas. */
  readonly headers: ReadonlyMap<string, string>;
  /** The connection stays open after the answer. */
  readonly keepAlive: boolean;
  readonly body: { readonly kind: "length"; readonly bytes: number } | { readonly kind: "chunked" };
  /** Bytes of the head. */
  readonly size: number;
}

/** What is answered without looking further; the connection ends with it. */
export interface Refused {
  readonly status: number;
  readonly reason: string;
}

const headBytesMax = 16 * 1024;
const headersMax = 100;
const headEnd = Buffer.from("\r\n\r\n");
const lineEnd = Buffer.from("\r\n");
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Between chunk sizes and their data; a chunk extension may be longer than any that is in use, not endless. */
const chunkLineBytesMax = 256;

/** Waits for a whole head. Undefined: the peer ended between two requests. */
export async function readHead(connection: Connection): Promise<RequestHead | Refused | undefined> {
  for (;;) {
    // Some clients send an empty line after a body.
    while (connection.bytes.length >= 2 && connection.bytes.indexOf(lineEnd) === 0) connection.consume(2);
    const end = connection.bytes.indexOf(headEnd);
    if (end > headBytesMax || (end < 0 && connection.bytes.length > headBytesMax)) {
      return { status: 431, reason: `the head of the request is larger than ${headBytesMax} bytes` };
    }
    if (end >= 0) return parseHead(connection.bytes.toString("latin1", 0, end));
    if (await connection.fill()) continue;
    return connection.bytes.length === 0 || !connection.isOpen ? undefined : bad("the request ends within its head");
  }
}

/** Exported for its table of tests. */
export function parseHead(text: string): RequestHead | Refused {
  const lines = text.split("\r\n");
  const [, method, target, version] = /^([A-Z]{1,20}) (\S+) (HTTP\/\d\.\d)$/.exec(lines[0] ?? "") ?? [];
  if (method === undefined || target === undefined) return bad("the first line is not that of a request");
  if (version !== "HTTP/1.1" && version !== "HTTP/1.0") return { status: 505, reason: "only HTTP/1.0 and HTTP/1.1" };
  const headers = parseHeaders(lines.slice(1));
  if ("status" in headers) return headers;
  if (version === "HTTP/1.1" && !headers.has("host")) return bad("the header Host is missing");
  const url = URL.parse(target, "http://here");
  if (url === null || !(target.startsWith("/") || /^https?:/i.test(target))) return bad("the target is not a path");
  const body = bodyOf(headers);
  if ("status" in body) return body;
  const connectionWords = (headers.get("connection") ?? "").toLowerCase();
  const keepAlive = version === "HTTP/1.1" ? !connectionWords.includes("close") : false;
  return { method, url, headers, keepAlive, body, size: Buffer.byteLength(text, "latin1") + headEnd.length };
}

function parseHeaders(lines: readonly string[]): ReadonlyMap<string, string> | Refused {
  const headers = new Map<string, string>();
  if (lines.length > headersMax) return { status: 431, reason: `more than ${headersMax} headers` };
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (colon < 1 || !token.test(name) || hasControls(value)) return bad("a header cannot be read");
    const before = headers.get(name);
    if (before !== undefined && (name === "content-length" || name === "host" || name === "transfer-encoding")) {
      return bad(`the header ${name} stands there twice`);
    }
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

/** A line feed in a head would end a header for some readers, and a NUL for others. */
function hasControls(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}

function bodyOf(headers: ReadonlyMap<string, string>): RequestHead["body"] | Refused {
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined) {
    if (length !== undefined) return bad("Content-Length and Transfer-Encoding exclude each other");
    if (coding.toLowerCase() === "chunked") return { kind: "chunked" };
    return { status: 501, reason: `the transfer encoding is not known: only chunked is` };
  }
  if (length === undefined) return { kind: "length", bytes: 0 };
  return /^\d{1,15}$/.test(length) ? { kind: "length", bytes: Number(length) } : bad("Content-Length is not a number");
}

/**
 * Waits for the body, the head before it still unconsumed, and consumes both. Undefined: the peer left.
 * What it answers is a copy where the body came in chunks, else valid until the next `fill`.
 */
export async function readBody(
  connection: Connection,
  { body, size }: RequestHead,
  bytesMax: number,
): Promise<Buffer | Refused | undefined> {
  if (body.kind === "chunked") return new ChunkedBody(connection, size, bytesMax).read();
  if (body.bytes > bytesMax) return tooLarge(bytesMax);
  const whole = size + body.bytes;
  while (connection.bytes.length < whole) if (!(await connection.fill())) return undefined;
  const bytes = connection.bytes.subarray(size, whole);
  connection.consume(whole);
  return bytes;
}

/** Nothing is consumed before the end, so that all of it counts as held. */
class ChunkedBody {
  private readonly parts: (readonly [number, number])[] = [];
  private size = 0;

  constructor(
    private readonly connection: Connection,
    private at: number,
    private readonly bytesMax: number,
  ) {}

  async read(): Promise<Buffer | Refused | undefined> {
    const { connection, bytesMax } = this;
    // What chunks cost beside their data: with chunks of a byte each it would be many times the body.
    const rawBytesMax = this.at + 2 * bytesMax + 64 * 1024;
    for (;;) {
      const line = await this.line();
      if (typeof line !== "string") return line;
      const [, digits] = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(line) ?? [];
      if (digits === undefined) return bad("a chunk has no size that can be read");
      const bytes = Number.parseInt(digits, 16);
      if (bytes === 0) return this.end();
      this.size += bytes;
      if (this.size > bytesMax || this.at > rawBytesMax) return tooLarge(bytesMax);
      while (connection.bytes.length < this.at + bytes + 2) if (!(await connection.fill())) return undefined;
      this.parts.push([this.at, this.at + bytes]);
      this.at += bytes + 2;
      if (connection.bytes.indexOf(lineEnd, this.at - 2) !== this.at - 2) return bad("a chunk is longer than it says");
    }
  }

  /** Trailers are read and left out. */
  private async end(): Promise<Buffer | Refused | undefined> {
    const { connection, parts } = this;
    for (let trailers = 0; ; trailers++) {
      const line = await this.line();
      if (typeof line !== "string") return line;
      if (line === "") break;
      if (trailers > headersMax) return bad("more trailers than headers may be");
    }
    const bytes = Buffer.concat(parts.map(([start, end]) => connection.bytes.subarray(start, end)));
    connection.consume(this.at);
    return bytes;
  }

  private async line(): Promise<string | Refused | undefined> {
    const { connection } = this;
    for (;;) {
      const end = connection.bytes.indexOf(lineEnd, this.at);
      if (end >= 0 && end - this.at <= chunkLineBytesMax) {
        const line = connection.bytes.toString("latin1", this.at, end);
        this.at = end + 2;
        return line;
      }
      if (connection.bytes.length - this.at > chunkLineBytesMax) return bad("a line between chunks is too long");
      if (!(await connection.fill())) return undefined;
    }
  }
}

function bad(reason: string): Refused {
  return { status: 400, reason };
}

function tooLarge(bytesMax: number): Refused {
  return { status: 413, reason: `the body is larger than ${bytesMax} bytes` };
}
