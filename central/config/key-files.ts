/** The files that say whose signatures are believed: one, or a folder of `*.keys`. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../shared/errors/app-error.ts";
import { readNamedText } from "../../shared/files/read-named.ts";
import { type KeyList, parseKeyList } from "../../shared/signature/key-list.ts";
import type { PublicKey } from "../../shared/signature/keys.ts";

/** Far more than a fleet has; a file that grows without end is none of ours. */
const fileBytesMax = 64 * 1024 * 1024;

/** What files of keys hold: all that they name, or everything that is wrong with them. */
export type ReadKeys =
  | { readonly ok: true; readonly keys: KeyList }
  /** Each mistake with its file and line; nothing of such files is believed. */
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** Reads all of them. */
export function readKeyFiles(path: string): ReadKeys {
  const keys = new Map<string, Map<string, PublicKey>>();
  const mistakes: string[] = [];
  try {
    for (const file of filesAt(path)) {
      const text = textOf(file);
      if (!text.ok) {
        mistakes.push(text.message);
        continue;
      }
      const read = parseKeyList(text.text);
      for (const { line, message } of read.mistakes) mistakes.push(`${file}:${line}: ${message}`);
      for (const [agent, ofAgent] of read.keys) {
        const all = keys.get(agent) ?? new Map<string, PublicKey>();
        for (const [id, key] of ofAgent) all.set(id, key);
        keys.set(agent, all);
      }
    }
  } catch (thrown) {
    mistakes.push(messageOf(thrown));
  }
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, keys };
}

/** A pipe is refused: the files are read again whenever they change. */
function textOf(file: string): { ok: true; text: string } | { ok: false; message: string } {
  try {
    return { ok: true, text: readNamedText(file, { bytesMax: fileBytesMax, pipes: "refuse" }) };
  } catch (thrown) {
    return { ok: false, message: `read ${file}: ${messageOf(thrown)}` };
  }
}

/** What changes when one of the files does. */
export function stampOfKeyFiles(path: string): string {
  try {
    return [path, ...filesAt(path)]
      .map((file) => {
        const { ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
        return `${file} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      })
      .join("\n");
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function filesAt(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".keys"))
    .sort()
    .map((name) => join(path, name));
}
