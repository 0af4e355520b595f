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
    mapping.start === undefined ? "" : `Holds where Flume's default is another: ${startOf(mapping.start)}.\n\n`,
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
  return `refused: ${what.refused}${unless.length === 0 ? "" : ` (but ${unless.join(", ")})`}`.replaceAll("|", "\\|");
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

\`convert\` writes the same as a config of ours, with comments that say what became of each key. Both run the same agent.

**To change over.** Stop Flume, let its channels drain first: events that a Flume's channel still holds are not taken over. Start
Tailgate with the same file. TAILDIR's position file and SPOOLDIR's tracker folder are read once, and files go on exactly where Flume
stopped. Going back, Flume starts at its own old positions: what was read since comes again.

**The file** has java.util.Properties' grammar: continued lines, escapes, \`:\` and blanks as separators; comments in any encoding.
It may describe several agents. \`\${NAME}\`, \`\${env:NAME}\`, \`\${sys:name}\` and the \`env\` config filter are answered from the environment and
from \`flume-env.sh\` beside the file, which is read and never run. \`-Dflume.monitoring.type=http\` there opens the admin HTTP.

**What is said.** Where Flume goes on in silence and the same happens to the data, we go on too, and say it once with its place:
a misspelt key, a list that names what is nowhere described, \`channel\` of a source (which Flume does not start then). \`check --strict\`
takes each for a mistake. What would change what happens to data is a mistake: a type or class that is not here, a key that is refused
below. All mistakes are said at once, and nothing is started or touched.

**What is better.** A source's position and its events are one transaction, so a line is in a durable channel once; the Kafka sink
sends every batch exactly once; a file is known by its inode and content, not by its name. **What is different everywhere:**
capacities are in bytes, not in events; batches and transactions have no sizes to set; the channels of an agent are one file in
\`dataDir\` (\`--data-dir\`, \`/var/lib/tailgate/<agent>\` when not given); names have the characters \`A-Z a-z 0-9 _ -\`, others become \`_\`.
`;
