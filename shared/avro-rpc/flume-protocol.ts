/**
 * Flume's Avro protocol. Both sides name theirs by the MD5 of its text; who does not know the other's hash asks for the text. So
 * an equal hash saves one round trip a connection, and is not needed.
 */
import { createHash } from "node:crypto";

const event = {
  type: "record",
  name: "AvroFlumeEvent",
  fields: [
    { name: "headers", type: { type: "map", values: { type: "string" } } },
    { name: "body", type: "bytes" },
  ],
};

/** The protocol as its text. */
export const protocolText = JSON.stringify({
  protocol: "AvroSourceProtocol",
  namespace: "org.apache.flume.source.avro",
  types: [{ type: "enum", name: "Status", symbols: ["OK", "FAILED", "UNKNOWN"] }, event],
  messages: {
    append: { request: [{ name: "event", type: "AvroFlumeEvent" }], response: "Status" },
    appendBatch: {
      request: [{ name: "events", type: { type: "array", items: "AvroFlumeEvent" } }],
      response: "Status",
    },
  },
});

/** MD5 of a protocol's text, 16 bytes. */
export function hashOf(text: string): Buffer {
  return createHash("md5").update(text).digest();
}

/** Flume's answers, by their place in the enum. */
export const status = { ok: 0, failed: 1 } as const;

/**
 * Whether another protocol's text means the same bytes as ours: the record of the same fields in the same order. Names of
 * packages and Java's own annotations do not matter.
 */
export function speaksFlume(text: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false;
    throw thrown;
  }
  const types = property(value, "types");
  const record = Array.isArray(types)
    ? types.find((type) => /(^|\.)AvroFlumeEvent$/.test(String(property(type, "name"))))
    : undefined;
  const fields = property(record, "fields");
  if (!Array.isArray(fields) || fields.length !== 2) return false;
  const [headers, body] = fields;
  const map = property(headers, "type");
  return (
    property(headers, "name") === "headers" &&
    property(map, "type") === "map" &&
    nameOf(property(map, "values")) === "string" &&
    property(body, "name") === "body" &&
    nameOf(property(body, "type")) === "bytes"
  );
}

/** `"string"`, or `{ "type": "string", … }`. */
function nameOf(type: unknown): unknown {
  return typeof type === "string" ? type : property(type, "type");
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
