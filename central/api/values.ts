import { z } from "@hono/zod-openapi";

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
