import type { Command } from "./command.ts";

/** `tailgate list`. */
export const list: Command = {
  name: "list",
  summary: "Lists every component there is",
  options: { json: { summary: "As JSON" } },
  run(given, { registry, out }) {
    const all = Object.values(registry)
      .flat()
      .map(({ kind, type, summary, stability }) => ({ kind, type, stability, summary }));
    if (given.flag("json")) {
      out(`${JSON.stringify(all, null, 2)}\n`);
      return 0;
    }
    const width = Math.max(...all.map(({ type }) => type.length));
    for (const { kind, type, summary, stability } of all) {
      const note = stability === "experimental" ? " (experimental)" : "";
      out(`${kind.padEnd("interceptor".length)}  ${type.padEnd(width)}  ${summary}${note}\n`);
    }
    return 0;
  },
};
