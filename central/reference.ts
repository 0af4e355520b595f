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
    "A YAML file (`--config FILE`) with these keys; a variable wins over the file. Durations are written `500ms`, `6s`, `2h`, sizes `384KiB`. Relative paths mean the config file's folder. A secret is a text or `{ file: path }`.\n",
    "| key | variable | default | |\n| --- | --- | --- | --- |",
    ...configKeys().map(
      ({ key, variable, standard, description }) =>
        `| \`${key}\` | ${code(variable)} | ${code(standard)} | ${cell(description)} |`,
    ),
    "\n## Routes\n",
    "Lists come in pages: at most `limit` rows and some 4 MiB; `next` is the cursor of the page after. [openapi.json](openapi.json) has parameters and answers; `client.ts` makes a client whose types are the routes' own.\n",
    "| route | scope of the key | |\n| --- | --- | --- |",
    ...openApiOf().map(({ method, path, scope, summary }) => `| \`${method} ${path}\` | ${scope} | ${cell(summary)} |`),
    "\n## Metrics\n",
    "| metric | type | |\n| --- | --- | --- |",
    ...centralMetrics.map(
      ({ name, help }) =>
        `| \`${metricPrefix}${name}\` | ${name.endsWith("_total") ? "counter" : "gauge"} | ${cell(help)} |`,
    ),
    "\n## Errors\n",
    "| code | severity | what to do |\n| --- | --- | --- |",
    ...errors
      .filter(({ name }) => name.startsWith("CENTRAL_") || sharedCodes.includes(name))
      .map(({ name, severity, hint }) => `| \`${name}\` | ${severity} | ${cell(hint)} |`),
    "",
  ].join("\n");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
