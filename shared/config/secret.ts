import { z } from "zod";
import { messageOf } from "../errors/app-error.ts";
import { readNamedText, textBytesMax } from "../files/read-named.ts";
import { fileHint } from "../files/refusal.ts";
import { resolvePath } from "./base-directory.ts";
import { credentialOf } from "./credentials.ts";
import { type FileUse, noteFile } from "./files-read.ts";

/**
 * A config field that must not be shown: a text, or `{ file: path }` to read it from a file (without the line end
 * behind it). Marked `secret` in the schema's meta: `redact` finds it there. Yields the text.
 *
 * `${VAR}` and `${file:…}` are the config loader's and work here as everywhere.
 */
export function secret() {
  return z
    .union(
      [z.string(), z.strictObject({ file: z.string().meta({ description: "Path of the file that holds it." }) })],
      {
        error: "not a secret: write a text or { file: path }",
      },
    )
    .transform((written, context) => {
      const read =
        typeof written === "string" ? { ok: true as const, text: written } : readSecret(written.file, "secret");
      if (read.ok && read.text !== "") return read.text;
      context.addIssue({ code: "custom", message: read.ok ? "the secret is empty" : read.message });
      return z.NEVER;
    })
    .meta({ secret: true });
}

/**
 * The content of a secret's file, without the line end after it; where it cannot be read, of the copy that the service
 * manager has made of it (`credentials.ts`).
 */
export function readSecret(
  file: string,
  use: FileUse = "value",
): { ok: true; text: string } | { ok: false; message: string; hint: string | undefined } {
  const path = resolvePath(file);
  try {
    const text = textOf(path);
    noteFile(path, use);
    return { ok: true, text };
  } catch (thrown) {
    const copy = credentialOf(path);
    if (copy === undefined) {
      noteFile(path, use);
      return { ok: false, message: `read the secret from ${path}: ${messageOf(thrown)}`, hint: fileHint(thrown) };
    }
    noteFile(copy, "value");
    return { ok: true, text: textOf(copy) };
  }
}

function textOf(path: string): string {
  return readNamedText(path, { bytesMax: textBytesMax }).replace(/\r?\n$/, "");
}
