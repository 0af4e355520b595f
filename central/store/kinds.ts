import { AppError } from "../../shared/errors/app-error.ts";
import type { StoreKind } from "./kind.ts";
import { postgres, postgresql } from "./postgres/kind.ts";
import { sqlite } from "./sqlite/kind.ts";

/** Every kind of store that there is. */
const kinds: readonly StoreKind[] = [sqlite, postgres, postgresql];

/**
 * The kind of the store that the config's `store` names.
 *
 * @throws AppError `CONFIG_INVALID` when there is none of this scheme.
 */
export function storeKindOf(address: string): StoreKind {
  const scheme = /^([a-z][a-z0-9+]*):\/\//.exec(address)?.[1] ?? "";
  const kind = kinds.find((each) => each.scheme === scheme);
  if (kind !== undefined) return kind;
  const known = kinds.map((each) => (each.scheme === "" ? "a path" : `${each.scheme}://…`)).join(", ");
  throw new AppError("CONFIG_INVALID", `open the store: there is no kind "${scheme}"; \`store\` may be: ${known}`);
}
