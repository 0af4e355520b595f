/** A row as one JSON object, where the server does not write it itself. No value passes through a JavaScript number. */
import { isUtf8 } from "node:buffer";
import { limits } from "../../core/limits.ts";

/** A value and what it is. `raw` stands in the JSON as it came: digits, or JSON. */
export type Cell =
  | { readonly kind: "null" }
  | { readonly kind: "raw"; readonly text: string }
  | { readonly kind: "text"; readonly bytes: Uint8Array }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** The most of one value that is asked for: with more, the row is cut anyway. */
export const cellBytesMax = limits.lineBytesMax;

/** `names` are JSON texts. Cut at `limits.lineBytesMax`. */
export function jsonRow(names: readonly string[], cells: readonly Cell[]): Buffer {
  const parts = cells.map((cell, index) => `${names[index]}:${jsonText(cell)}`);
  const body = Buffer.from(`{${parts.join(",")}}`);
  return body.length > limits.lineBytesMax ? body.subarray(0, limits.lineBytesMax) : body;
}

/** What a key is made of. */
export function plainText(cell: Cell): string | undefined {
  if (cell.kind === "null") return undefined;
  if (cell.kind === "raw") return cell.text;
  return cell.kind === "text" && isUtf8(cell.bytes) ? bufferOf(cell.bytes).toString("utf8") : hex(cell.bytes);
}

function jsonText(cell: Cell): string {
  if (cell.kind === "null") return "null";
  if (cell.kind === "raw") return cell.text;
  // As PostgreSQL writes bytes. A text that is no UTF-8 keeps its bytes in this way.
  return JSON.stringify(plainText(cell));
}

function hex(bytes: Uint8Array): string {
  return `\\x${bufferOf(bytes).toString("hex")}`;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
