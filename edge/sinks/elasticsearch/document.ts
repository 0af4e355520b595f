import { createHash } from "node:crypto";
import { jsonEvent, utf8 } from "../../records/json-event.ts";
import type { SinkRecord } from "../../records/record-destination.ts";

/** An id has at most 512 bytes. */
const idBytesMax = 512;
/** The largest time that a Date holds. */
const dateMsMax = 8_640_000_000_000_000;

/** The event's identity, or its hash where that is too long. */
export function documentId({ id }: Pick<SinkRecord, "id">): string {
  return Buffer.byteLength(id) <= idBytesMax ? id : createHash("sha256").update(id).digest("hex");
}

/**
 * The document of an event. A body that is a JSON object may give its fields; what we add then stands under `tailgate`, so
 * that it takes no place of theirs.
 */
export function documentOf(record: SinkRecord, body: "text" | "json"): Readonly<Record<string, unknown>> {
  const { time, body: text, bodyBase64, ...rest } = jsonEvent(record);
  const fields = body === "json" ? objectIn(record.body) : undefined;
  const timestamp = Math.abs(record.timeMs) <= dateMsMax ? new Date(record.timeMs).toISOString() : time;
  if (fields !== undefined) return { "@timestamp": timestamp, ...fields, tailgate: rest };
  const message = bodyBase64 === undefined ? { message: text } : { messageBase64: bodyBase64 };
  return { "@timestamp": timestamp, ...message, tailgate: rest };
}

function objectIn(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  const text = utf8(bytes);
  if (text === undefined || !text.trimStart().startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
