/** W3C Trace Context: the caller's trace, as it stands in `traceparent`. It is taken into the log, and asks nothing else of us. */

/** The trace's id; undefined when there is none, or none that the standard allows. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const match = /^([\da-f]{2})-([\da-f]{32})-([\da-f]{16})-[\da-f]{2}(-.*)?$/.exec(traceparent ?? "");
  if (match === null) return undefined;
  const [, version = "", trace = "", parent = "", rest] = match;
  // Version 0 ends with the flags; a later one may say more, and begins in the same way.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  return /^0+$/.test(trace) || /^0+$/.test(parent) ? undefined : trace;
}
