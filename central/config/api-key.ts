/**
 * What a key may be good for. `read`: all that is stored and the books. `metrics`: `/metrics` alone. `relay`: to bring
 * records as an edge does. `operate`: to change what is stored: replay, redrive, erase, quarantine, forget; it is in no key by
 * default, and nobody has it without a key.
 */
export const scopes = ["read", "metrics", "relay", "operate"] as const;

/** One of them. */
export type Scope = (typeof scopes)[number];

/** A key that is known here: never itself, only its SHA-256. Keys are long and random, so a slow hash would add nothing. */
export interface ApiKey {
  /** For the log. */
  readonly name: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
}
