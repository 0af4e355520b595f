import type { SinkRecord } from "./record-destination.ts";

/** An event as one JSON object. A body, key or header that is no UTF-8 stands in base64 under `…Base64`: no byte is lost. */
export function jsonEvent({ id, stream, timeMs, key, body, headers }: SinkRecord): Readonly<Record<string, unknown>> {
  const named = headers.map(({ name, value }) => textIn(name, value));
  return {
    id,
    stream,
    time: timeMs,
    ...(key === undefined ? {} : Object.fromEntries([textIn("key", key)])),
    ...(named.length === 0 ? {} : { headers: Object.fromEntries(named) }),
    ...Object.fromEntries([textIn("body", body)]),
  };
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textIn(name: string, bytes: Buffer): readonly [string, string] {
  const text = utf8(bytes);
  return text === undefined ? [`${name}Base64`, bytes.toString("base64")] : [name, text];
}

/** The text; undefined when the bytes are no UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}
