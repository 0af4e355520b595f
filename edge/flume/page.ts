/** FLUME.md: what becomes of a flume.conf, from what the components say about it. */
import type { Registry } from "../config/agent-config.ts";
import type { FlumeKey, FlumeMapping } from "../core/flume-mapping.ts";
import { type FoundMapping, type Kind, loadMappings, uncarried } from "./mappings.ts";

const kinds: readonly { readonly kind: Kind; readonly title: string }[] = [
  { kind: "source", title: "Sources" },
  { kind: "channel", title: "Channels" },
  { kind: "sink", title: "Sinks" },
  { kind: "group", title: "Sink groups" },
  { kind: "interceptor", title: "Interceptors" },
  { kind: "selector", title: "Selectors" },
];

/** The page's text. */
export async function renderFlumePage(registry: Registry): Promise<string> {
  const mappings = await loadMappings(registry);
  const parts = kinds.map(({ kind, title }) => {
    const found = mappings[kind].map(component);
    const missing = uncarried(mappings, kind);
    const rest = missing.length === 0 ? "" : `### Not carried\n\n${missing.map((each) => `- ${each}`).join("\n")}\n\n`;
    return `## ${title}\n\n${found.join("")}${rest}`;
  });
  return `${opening}\n${parts.join("")}`.trimEnd().concat("\n");
}

function component({ type, mapping }: FoundMapping): string {
  const [name = "", ...others] = mapping.names;
  const also = others.map((each) => `\`${each}\``).join(", ");
  return [
    `### ${name} → \`${type}\`\n\n`,
    also === "" ? "" : `Also ${also}.\n\n`,
    keysOf(mapping),
    mapping.start === undefined
      ? ""
      : `Flume's own defaults are set where ours are others: ${startOf(mapping.start)}.\n\n`,
    (mapping.differences ?? []).length === 0 ? "" : `${mapping.differences?.map((each) => `- ${each}`).join("\n")}\n\n`,
  ].join("");
}

function keysOf({ keys }: FlumeMapping): string {
  const rows = Object.entries(keys).map(([key, what]) => `| \`${key}\` | ${outcome(what)} |\n`);
  return rows.length === 0 ? "" : `| Flume's key | here |\n| --- | --- |\n${rows.join("")}\n`;
}

function outcome(what: FlumeKey): string {
  if ("to" in what) return `\`${what.to}\`${what.note === undefined ? "" : `; ${what.note}`}`;
  if ("nothing" in what) return `means nothing: ${what.nothing}`;
  if ("by" in what) return what.by;
  const unless = (what.unless ?? []).filter((value) => value !== "").map((value) => `\`${value}\``);
  return `refused: ${what.refused}${unless.length === 0 ? "" : ` (except ${unless.join(", ")})`}`.replaceAll(
    "|",
    "\\|",
  );
}

function startOf(start: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(start).filter(([, value]) => !Array.isArray(value) || value.length > 0);
  return shown
    .map(([key, value]) => `\`${key}: ${typeof value === "string" ? value : JSON.stringify(value)}\``)
    .join(", ");
}

const opening = `# Coming from Flume

Generated from what the components say about Flume 1.11: run \`npm run generate\`.

    tailgate check --flume-conf /etc/flume/flume.conf --name a1     # everything about the file at once, nothing is touched
    tailgate run --flume-conf /etc/flume/flume.conf --name a1       # runs it as it is
    tailgate convert /etc/flume/flume.conf --name a1 > tailgate.yaml

\`convert\` writes the agent as a Tailgate config, with comments that say what became of each key. Both run the same agent.

**To change over.** Let Flume's channels drain, then stop Flume: events that its channels still hold are not taken over. Start
Tailgate with the same file. TAILDIR's position file and SPOOLDIR's tracker folder are read once, and files go on exactly where Flume
stopped. If you go back, Flume starts at its own old positions: what was read since then comes again.

**The file** has the grammar of java.util.Properties: continued lines, escapes, \`:\` and blanks as separators, comments in any encoding.
It may describe several agents. \`\${NAME}\`, \`\${env:NAME}\`, \`\${sys:name}\` and the \`env\` config filter get their values from the
environment and from \`flume-env.sh\` beside the file, which is read and never run. \`-Dflume.monitoring.type=http\` there opens the
admin HTTP.

**Warnings and mistakes.**

- A key that Flume ignores without a word, and that changes nothing for the data, is ignored here too. A warning names it with its place:
  a misspelt key, a name in a list that is nowhere described, \`channel\` of a source (Flume does not start such a source).
- What would change what happens to data is a mistake: a type or class that is not here, a key that is refused below.
- All mistakes are said at once, and nothing is started or touched. \`check --strict\` takes each warning for a mistake.

**What is better.** A source's position and its events are one transaction, so a line is in a durable channel once. The Kafka sink
sends every batch exactly once. A file is known by its inode and content, not by its name.

**What is different everywhere.** Capacities are in bytes, not in events. Batches and transactions have no sizes to set. The channels of
an agent are one file in \`dataDir\` (\`--data-dir\`, \`/var/lib/tailgate/<agent>\` when not given). Names have the characters
\`A-Z a-z 0-9 _ -\`; others become \`_\`.

**How to read the tables.** The right column names the key of Tailgate that takes the value. _Means nothing_: the key is accepted and has no
effect, for the reason that follows. _Refused_: the file is not accepted with this key, except with the values that are named.
`;
