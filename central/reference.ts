/** REFERENCE.md: every key of the config, every route, metric and error code, from their declarations. */
import type { ErrorCode } from "../shared/errors/error-code.ts";
import { configKeys } from "./help.ts";
import { centralMetrics, metricPrefix } from "./metrics.ts";
import { openApiOf } from "./openapi.ts";

/** Codes that central shares with the edge. */
const sharedCodes: readonly string[] = ["CONFIG_INVALID", "USAGE", "INVARIANT", "RECORD_BATCH_CORRUPT"];

/** The generated file's text. */
export function renderCentralReference(errors: readonly ErrorCode[]): string {
  return [
    "# Reference of central\n",
    "Generated from the declarations by `npm run generate`. Do not edit.\n",
    "## Config\n",
    "A YAML file (`--config FILE`) with these keys. A variable of the environment wins over the file. Durations are written `500ms`, `6s`, `2h`, sizes `384KiB`. Relative paths begin at the config file's folder. A secret is a text or `{ file: path }`. What the words mean is in the [glossary](../shared/GLOSSARY.md).\n",
    "```yaml",
    "kafka: { brokers: [kafka-1:9092, kafka-2:9092] }",
    "topics: [driving]",
    "store: /var/lib/tailgate-central/central.db",
    "heartbeats: {} # reads the topic tailgate.heartbeats",
    "```\n",
    "| key | variable | default | |\n| --- | --- | --- | --- |",
    ...configKeys().map(
      ({ key, variable, standard, description }) =>
        `| \`${key}\` | ${code(variable)} | ${code(standard)} | ${cell(description)} |`,
    ),
    "\n## Routes\n",
    "Lists come in pages of at most `limit` rows and some 4 MiB. `next` of an answer is the `cursor` of the next page. [openapi.json](openapi.json) has parameters and answers. `client.ts` makes a client whose types are those of the routes. Without any key, `open`, `read`, `metrics` and `relay` need none, and `operate` is refused.\n",
    "| route | scope of the key | |\n| --- | --- | --- |",
    ...openApiOf().map(({ method, path, scope, summary }) => `| \`${method} ${path}\` | ${scope} | ${cell(summary)} |`),
    "\n## Metrics\n",
    "On the page `/metrics`. A number is of this process or of its store; `-1` means that it is unknown.\n",
    "| metric | type | |\n| --- | --- | --- |",
    ...centralMetrics.map(
      ({ name, help }) =>
        `| \`${metricPrefix}${name}\` | ${name.endsWith("_total") ? "counter" : "gauge"} | ${cell(help)} |`,
    ),
    "\n## Errors\n",
    severities,
    "| code | severity | what to do |\n| --- | --- | --- |",
    ...errors
      .filter(({ name }) => name.startsWith("CENTRAL_") || sharedCodes.includes(name))
      .map(({ name, severity, hint }) => `| \`${name}\` | ${severity} | ${cell(hint)} |`),
    "",
  ].join("\n");
}

/** What a reader needs to know of `Severity`. */
const severities = [
  "- `transient`: it goes on by itself, or the same request works later.",
  "- `permanent`: this record, request or replay is refused; the rest goes on.",
  "- `fatal`: this part cannot go on until somebody does what is said here.",
  "- `usage`: what was given is wrong; nothing was started or changed. A command or a start ends with exit code 2.",
  "- `invariant`: a bug; the process ends (70) to be started anew.\n",
].join("\n");

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
