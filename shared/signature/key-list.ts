/**
 * Whose signatures are believed: a text of lines `AGENT ed25519:BASE64`, as `tailgate keygen` prints them. Empty lines
 * and what follows a `#` mean nothing. An agent may stand there several times: all its keys are good.
 */
import { type PublicKey, readPublicKey } from "./keys.ts";

/** By agent, then by the key's name. */
export type KeyList = ReadonlyMap<string, ReadonlyMap<string, PublicKey>>;

/** A line that says nothing. */
export interface KeyMistake {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** Reads a list; with a mistake in it, it is for the caller to take none of it. */
export function parseKeyList(text: string): { readonly keys: KeyList; readonly mistakes: readonly KeyMistake[] } {
  const keys = new Map<string, Map<string, PublicKey>>();
  const mistakes: KeyMistake[] = [];
  for (const [index, written] of text.split("\n").entries()) {
    const [agent = "", key = "", ...more] = written.replace(/#.*/, "").trim().split(/\s+/);
    if (agent === "") continue;
    const read = readLine(agent, key, more.length);
    if (!read.ok) {
      mistakes.push({ line: index + 1, message: read.message });
      continue;
    }
    const ofAgent = keys.get(agent) ?? new Map<string, PublicKey>();
    keys.set(agent, ofAgent.set(read.value.id, read.value));
  }
  return { keys, mistakes };
}

function readLine(agent: string, key: string, more: number): ReturnType<typeof readPublicKey> {
  if (!/^[\w-]{1,128}$/.test(agent)) {
    return { ok: false, message: "not an agent's name: letters, digits, dash and underscore" };
  }
  return key === "" || more > 0 ? { ok: false, message: "write AGENT ed25519:BASE64" } : readPublicKey(key);
}
