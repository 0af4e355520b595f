import { z } from "zod";
import { readSecret } from "./secret.ts";

/** A config field for a certificate, or several: a PEM text, or `{ file: path }`. Yields the text. */
export function pem() {
  return z
    .union([z.string(), z.strictObject({ file: z.string().meta({ description: "Path of the PEM file." }) })], {
      error: "not a certificate: write { file: path } or the PEM text",
    })
    .transform((written, context) => {
      const read = typeof written === "string" ? { ok: true as const, text: written } : readSecret(written.file);
      if (read.ok && read.text.includes("-----BEGIN")) return read.text;
      const message = read.ok ? "not a PEM text; to name a file, write { file: path }" : read.message;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    });
}
