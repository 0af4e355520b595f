import { z } from "zod";
import { variables } from "./config/environment.ts";
import { CentralConfig } from "./config/schema.ts";

/** What `--help` prints: everything that can be told to central, from the schema itself. */
export function helpText(): string {
  const schema: JsonSchema = JSON.parse(
    JSON.stringify(z.toJSONSchema(CentralConfig, { io: "input", unrepresentable: "any" })),
  );
  return `tailgate central: stores what the topics bring, once, and serves it over HTTP

  bun central/main.ts [--config FILE]

  --config FILE   a YAML file with the keys below; variables win over it
  --help          this page

Keys and their variables
${rows(schema, []).join("\n")}

Exit codes: 0 stopped as asked · 1 failed while running · 2 wrong config or usage · 70 a bug
`;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly description?: string;
  readonly default?: unknown;
}

function rows(schema: JsonSchema, path: readonly string[]): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = [...path, name];
    if (field.properties !== undefined) return rows(field, here);
    const key = here.join(".");
    const variable = variables.find((one) => one.path.join(".") === key)?.name ?? "";
    const { description = "", default: standard } = field;
    const shown = standard === undefined || JSON.stringify(standard) === "[]" ? "" : ` [${String(standard)}]`;
    return [`  ${key.padEnd(22)} ${variable.padEnd(26)} ${description}${shown}`];
  });
}
