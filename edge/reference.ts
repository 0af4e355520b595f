// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the reference explains the config's own ${…}.
/** REFERENCE.md and config.schema.json, from the components' own declarations. */

import { stringify } from "yaml";
import { z } from "zod";
import { formatByteSize } from "../shared/config/byte-size.ts";
import type { ErrorCode } from "../shared/errors/error-code.ts";
import type { Registry } from "./config/agent-config.ts";
import { AgentSection } from "./config/schema.ts";
import type { AnyDefinition } from "./core/define.ts";
import type { DescribedMetric } from "./metrics-reference.ts";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON Schema (2020-12) of the config, for editors: every component with its own keys, chosen by `type`. */
export function renderConfigSchema(registry: Registry): string {
  const agent = inputSchema(AgentSection);
  const names: JsonSchema = { type: "string", description: "Name of a channel." };
  const channels: JsonSchema = {
    anyOf: [names, { type: "array", items: names, minItems: 1 }],
    description: "The channels it feeds.",
  };
  const interceptor = oneOf(
    registry.interceptors,
    { name: { type: "string", description: "Its name in counters; its type when not given." } },
    [],
  );
  const selector = oneOf(registry.selectors, {}, []);
  const source: Readonly<Record<string, JsonSchema>> = {
    interceptors: { type: "array", items: interceptor },
    selector,
    channels,
  };
  const properties = {
    ...agent.properties,
    sources: named(oneOf(registry.sources, source, ["channels"]), "The sources, by name."),
    channels: named(oneOf(registry.channels, {}, []), "The channels, by name."),
    sinks: named(oneOf(registry.sinks, { channel: names }, []), "The sinks, by name."),
  };
  const schema = { ...agent, title: "Tailgate config", properties };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function oneOf(
  definitions: readonly AnyDefinition[],
  more: Readonly<Record<string, JsonSchema>>,
  required: readonly string[],
): JsonSchema {
  return {
    oneOf: definitions.map((definition) => {
      const { $schema: _schema, ...own } = inputSchema(definition.config);
      return {
        ...own,
        description: definition.summary,
        properties: { type: { const: definition.type }, ...own.properties, ...more },
        required: ["type", ...(own.required ?? []), ...required],
      };
    }),
  };
}

function named(item: JsonSchema, description: string): JsonSchema {
  return {
    type: "object",
    description,
    minProperties: 1,
    propertyNames: { pattern: "^[A-Za-z0-9_-]{1,100}$" },
    additionalProperties: item,
  };
}

function inputSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" });
}

/** REFERENCE.md: the agent's own keys, every component with its keys and an example, every metric, every error code. */
export function renderReference(
  registry: Registry,
  metrics: readonly DescribedMetric[],
  errors: readonly ErrorCode[],
): string {
  const kinds: readonly (readonly [string, readonly AnyDefinition[], string])[] = [
    [
      "Sources",
      registry.sources,
      "Beside its own keys every source takes `channels` (a name or a list), `interceptors` (a list) and `selector`.",
    ],
    [
      "Interceptors",
      registry.interceptors,
      "Beside its own keys every interceptor takes `name`: under this name the events that it drops are counted.",
    ],
    ["Selectors", registry.selectors, "They choose the channels of an event; `replicating` when none is given."],
    ["Channels", registry.channels, "They hold batches between source and sink."],
    [
      "Sinks",
      registry.sinks,
      "Beside its own keys every sink takes `channel`, the name of the channel that it drains. A member of a group has none: its group has it.",
    ],
  ];
  return [
    "# Reference\n",
    "Generated from the components' declarations by `npm run generate`. Do not edit.\n",
    "Durations are written `500ms`, `1s`, `2h`, `1h30m` (a number without a unit is taken as milliseconds, with a warning). Sizes are written `64MiB` (units of 1,024) or `1GB` (units of 1,000). A value may contain `${NAME}`, `${NAME:-default}` and `${file:/path}`. A relative path begins at the config file's folder. _Durable_ means: it survives kill -9 and a power cut. Other words are in the [glossary](../shared/GLOSSARY.md).\n",
    "## Agent\n",
    table(inputSchema(AgentSection)),
    ...kinds.flatMap(([title, definitions, words]) => [
      `## ${title}\n`,
      `${words}\n`,
      ...definitions.map(renderDefinition),
    ]),
    "## Metrics\n",
    "On the page `/metrics` of the admin HTTP.\n",
    "| metric | type | of | meaning |\n| --- | --- | --- | --- |",
    ...metrics.map(({ name, type, of, help }) => `| \`${name}\` | ${type} | ${of} | ${cell(help)} |`),
    "",
    "## Errors\n",
    severities,
    "| code | severity | what to do |\n| --- | --- | --- |",
    ...errors
      .filter(({ name }) => !name.startsWith("CENTRAL_"))
      .map(({ name, severity, hint }) => `| \`${name}\` | ${severity} | ${cell(hint)} |`),
    "",
  ].join("\n");
}

/** What a reader needs to know of `Severity`. */
const severities = [
  "- `transient`: it is tried again, without end.",
  "- `permanent`: these records are refused or set aside; the rest goes on.",
  "- `fatal`: this component, or this command, cannot go on; other components do.",
  "- `usage`: what was given is wrong; nothing was started or changed. A command or a start ends with exit code 2.",
  "- `restart`: the process ends (1) to be started anew.",
  "- `invariant`: a bug; the process ends (70) to be started anew.\n",
].join("\n");

function renderDefinition({ type, summary, stability, config, example }: AnyDefinition): string {
  const note = stability === "experimental" ? " _Experimental: its config may change._" : "";
  const own = typeof example === "object" && example !== null ? example : {};
  return [
    `### ${type}\n`,
    `${summary}${note}\n`,
    table(inputSchema(config)),
    "```yaml",
    stringify({ type, ...own }).trimEnd(),
    "```\n",
  ].join("\n");
}

function table(schema: JsonSchema): string {
  const rows = rowsOf(schema, "");
  if (rows.length === 0) return "No keys of its own.\n";
  return ["| key | value | default | meaning |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

function rowsOf(schema: JsonSchema, prefix: string): readonly string[] {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    if (typeof field === "boolean") return [];
    const key = `${prefix}${name}`;
    const standard =
      field.default === undefined
        ? required.has(name)
          ? "_required_"
          : ""
        : `\`${cell(JSON.stringify(defaultOf(field)))}\``;
    const row = `| \`${key}\` | ${cell(kindOf(field))} | ${standard} | ${cell(field.description ?? "")} |`;
    const item = typeof field.items === "object" && !Array.isArray(field.items) ? field.items : undefined;
    return [row, ...rowsOf(field, `${key}.`), ...(item === undefined ? [] : rowsOf(item, `${key}[].`))];
  });
}

/** As it would be written in a config: a size that the code gives as bytes has its unit. */
function defaultOf({ default: value, format }: JsonSchema): unknown {
  return format === "byte-size" && typeof value === "number" ? formatByteSize(value).replace(" ", "") : value;
}

function kindOf(field: JsonSchema): string {
  if (field.enum !== undefined) return field.enum.map((value) => `\`${String(value)}\``).join(", ");
  if (field.format !== undefined)
    return field.format === "regex" ? "regular expression" : field.format.replace("byte-size", "size");
  if (field.secret === true) return "secret: text or `{ file: … }`";
  if (field.anyOf !== undefined) {
    return [...new Set(field.anyOf.map((each) => (typeof each === "boolean" ? "" : kindOf(each))))].join(" or ");
  }
  if (field.type === "array")
    return `list of ${typeof field.items === "object" && !Array.isArray(field.items) ? kindOf(field.items) : "values"}`;
  if (field.type === "object") return "map";
  return [field.type ?? "anything"].flat().join(" or ").replace("string", "text");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
