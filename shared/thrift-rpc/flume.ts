/**
 * Flume's calls in Thrift: `append(1: event)` and `appendBatch(1: list of events)`, answered with a status. An event is a
 * structure of headers (1, a map of texts) and a body (2, bytes).
 */
import type { OutgoingEvent } from "../flume-rpc/event.ts";
import { type ThriftMessage, ThriftMistake, type ThriftProtocol, ThriftReader } from "./protocol.ts";
import { ThriftWriter } from "./writer.ts";

/** One event as it comes; its body is a slice of what is read. */
export interface ThriftEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Flume's answers, by their numbers. */
export const thriftStatus = { ok: 0, failed: 1 } as const;

/** A call of Flume's; `events` is undefined when there is no such call. */
export interface FlumeCall {
  readonly message: ThriftMessage;
  readonly events: readonly ThriftEvent[] | undefined;
}

/** What a server says to a call: a status, or why there is none. */
export type FlumeReply =
  | { readonly serial: number; readonly status: number }
  | { readonly serial: number; readonly error: string };

const unknownMethod = 1;
const headersMax = 10_000;
/** As an assignment makes it: the last of two equal names counts. */
const plain = { enumerable: true, writable: true, configurable: true };

/** @throws ThriftMistake. */
export function readCall(protocol: ThriftProtocol, payload: Buffer, eventsMax: number): FlumeCall {
  const reader = new ThriftReader(protocol, payload);
  const message = reader.message();
  if (message.kind !== "call") throw new ThriftMistake(`a ${message.kind} where a call is expected`);
  if (message.name !== "append" && message.name !== "appendBatch") return { message, events: undefined };
  const wanted = message.name === "append" ? "struct" : "list";
  const events: ThriftEvent[] = [];
  reader.struct(({ id, kind }) => {
    if (id !== 1 || kind !== wanted) return false;
    if (wanted === "struct") events.push(readEvent(reader));
    else reader.list("struct", eventsMax, () => events.push(readEvent(reader)));
    return true;
  });
  return { message, events };
}

function readEvent(reader: ThriftReader): ThriftEvent {
  const headers: Record<string, string> = {};
  let body: Buffer | undefined;
  reader.struct(({ id, kind }) => {
    if (id === 1 && kind === "map") {
      reader.texts(headersMax, (name, value) => {
        // A header called __proto__ is a header like any other.
        if (name === "__proto__") Object.defineProperty(headers, name, { value, ...plain });
        else headers[name] = value;
      });
      return true;
    }
    if (id !== 2 || kind !== "binary") return false;
    body = reader.bytes();
    return true;
  });
  if (body === undefined) throw new ThriftMistake("an event without a body");
  return { headers, body };
}

/** The frame of a call of `appendBatch`. */
export function writeAppendBatch(protocol: ThriftProtocol, serial: number, events: readonly OutgoingEvent[]): Buffer {
  const writer = new ThriftWriter(protocol, 64 * 1024);
  writer.message({ kind: "call", name: "appendBatch", serial });
  writer.field("list", 1, 0).listHead("struct", events.length);
  for (const { headers, body } of events) {
    writer.field("map", 1, 0).textsHead(headers.size);
    for (const [name, value] of headers) {
      writer.text(name);
      if (typeof value === "string") writer.text(value);
      else writer.bytes(value);
    }
    writer.field("binary", 2, 1).bytes(body).stop();
  }
  return writer.stop().frame;
}

/** The frame of an answer. */
export function writeStatus(protocol: ThriftProtocol, { name, serial }: ThriftMessage, status: number): Buffer {
  const writer = new ThriftWriter(protocol, 64).message({ kind: "reply", name, serial });
  // The result stands in field 0, which the compact protocol cannot say as a distance from the one before.
  return writer.field("i32", 0, 0).i32(status).stop().frame;
}

/** The frame that says that there is no such call. */
export function writeUnknownCall(protocol: ThriftProtocol, { name, serial }: ThriftMessage): Buffer {
  const writer = new ThriftWriter(protocol, 128).message({ kind: "exception", name, serial });
  writer.field("binary", 1, 0).text(`there is no call "${name}"`);
  return writer.field("i32", 2, 1).i32(unknownMethod).stop().frame;
}

/** @throws ThriftMistake. */
export function readReply(protocol: ThriftProtocol, payload: Buffer): FlumeReply {
  const reader = new ThriftReader(protocol, payload);
  const { kind, serial } = reader.message();
  let status: number | undefined;
  let error = "no answer in what it answered";
  reader.struct((field) => {
    if (kind === "reply" && field.id === 0 && field.kind === "i32") status = reader.i32();
    else if (kind === "exception" && field.id === 1 && field.kind === "binary") error = reader.text();
    else return false;
    return true;
  });
  return status === undefined ? { serial, error } : { serial, status };
}

/** The first frame of `bytes`, without its length; undefined while it is not whole. @throws ThriftMistake. */
export function readThriftFrame(bytes: Buffer, bytesMax: number): Buffer | undefined {
  if (bytes.length < 4) return undefined;
  const length = bytes.readInt32BE(0);
  if (length < 0 || length > bytesMax) throw new ThriftMistake(`a frame of more than ${bytesMax} bytes`);
  return bytes.length < 4 + length ? undefined : bytes.subarray(4, 4 + length);
}
