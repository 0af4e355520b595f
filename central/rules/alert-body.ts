import type { AlertRow } from "./alert-row.ts";

/** An alert as it goes over the wire: what is not there is left out. */
export function alertBody({ resolvedMs, resolvedBy, value, ...row }: AlertRow) {
  return {
    ...row,
    ...(resolvedMs === undefined ? {} : { resolvedMs }),
    ...(resolvedBy === undefined ? {} : { resolvedBy }),
    ...(value === undefined ? {} : { value }),
  };
}
