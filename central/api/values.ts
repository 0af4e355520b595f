import { z } from "@hono/zod-openapi";
import { AppError } from "../../shared/errors/app-error.ts";

/** A record's bytes on the wire: text where they are UTF-8, else base64; neither when the record had no value. */
export const Value = {
  value: z.string().optional().openapi({ description: "The bytes, when they are UTF-8." }),
  valueBase64: z.string().optional().openapi({ description: "The bytes, when they are not." }),
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The fields of `Value` for some bytes. */
export function valueFields(bytes: Buffer | null): { value?: string; valueBase64?: string } {
  if (bytes === null) return {};
  try {
    return { value: utf8.decode(bytes) };
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    return { valueBase64: bytes.toString("base64") };
  }
}

/** Makes a cursor of whole numbers: opaque to the caller, and only good for the route that gave it. */
export function formatCursor(numbers: readonly number[]): string {
  return Buffer.from(numbers.join(".")).toString("base64url");
}

/** @throws AppError `CENTRAL_BAD_REQUEST` when it is not one of ours. */
export function parseCursor(text: string | undefined, length: number): readonly number[] | undefined {
  if (text === undefined) return undefined;
  const numbers = Buffer.from(text, "base64url").toString("latin1").split(".").map(Number);
  if (numbers.length === length && numbers.every(Number.isSafeInteger)) return numbers;
  throw new AppError("CENTRAL_BAD_REQUEST", `read the cursor "${text.slice(0, 40)}": it is none of ours`);
}

/** `limit`, with its bounds. */
export function limitParameter(standard: number, max: number) {
  return z.coerce.number().int().min(1).max(max).default(standard).openapi({ description: "Rows a page." });
}

/** `cursor`: from `next` of the page before. */
export const cursorParameter = z
  .string()
  .max(200)
  .optional()
  .openapi({ description: "`next` of the page before; opaque." });
