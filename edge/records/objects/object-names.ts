import { type EscapeOptions, Escapes } from "../escapes.ts";
import type { SinkRecord } from "../record-destination.ts";

/** Names of events by a pattern with escapes; one object a stream, because `%{stream}` is the same for all of it. */
export function namesBy(
  pattern: string,
  agent: string,
  options: Omit<EscapeOptions, "names">,
): (record: SinkRecord) => string {
  const byStream = new Map<string, Escapes>();
  return (record) => {
    let escapes = byStream.get(record.stream);
    if (escapes === undefined) {
      escapes = new Escapes(pattern, { ...options, names: { stream: record.stream, agent } });
      byStream.set(record.stream, escapes);
    }
    return escapes.render(record);
  };
}
