import { z } from "zod";
import { variables } from "./config/environment.ts";
import { CentralConfig } from "./config/schema.ts";

/** A key of the config, and all that is said of it. */
export interface ConfigKey {
  readonly key: string;
  /** Empty: there is none. */
  readonly variable: string;
  /** Empty: none. */
  readonly standard: string;
  readonly description: string;
}

/** All keys, from the schema itself. */
export function configKeys(): readonly ConfigKey[] {
  const schema: JsonSchema = JSON.parse(
    JSON.stringify(z.toJSONSchema(CentralConfig, { io: "input", unrepresentable: "any" })),
  );
  return keysOf(schema, []);
}

/** What `--help` prints: everything that can be told to central. */
export function helpText(): string {
  const rows = configKeys().map(({ key, variable, standard, description }) => {
    const shown = standard === "" ? "" : ` [${standard}]`;
    return `  ${key.padEnd(22)} ${variable.padEnd(26)} ${description}${shown}`;
  });
  return `tailgate central: stores what the topics bring, once, and serves it over HTTP

  tailgate-central [--config FILE]
  tailgate-central rules check FILE
  tailgate-central rules test FILE
  tailgate-central replay start [--topic A,B] [--partition 0,1] [--from T] [--to T] [--vehicle V] [--stream S]
                                [--into-topic NAME [--speed N]] [--rate N] [--watch]
  tailgate-central replay list
  tailgate-central replay watch|pause|resume|cancel N
  tailgate-central service install --config FILE [--print] [--user NAME] [--unit PATH] [--force]

  --config FILE   a YAML file with the keys below; variables win over it
  --help          this page

  rules check reads a file of rules and says what is wrong with it; rules test runs the unit tests in it.

  replay asks a running central: --url URL, or TAILGATE_CENTRAL_URL [http://127.0.0.1:8080]; its key from --key-file FILE, or
  TAILGATE_API_KEY_FILE, or TAILGATE_API_KEY; --ca FILE for TLS. T is a time (2026-11-20T12:00:00Z) or offset:123. Records go
  into the store, or into another topic, N times as fast as they came. watch shows how far it is until it is over; Ctrl-C
  ends the watching alone.

  service install writes a hardened systemd unit for this binary and config, or prints it. The unit has no variables: what
  the service is told stands in the config.

Keys and their variables
${rows.join("\n")}

Exit codes: 0 stopped as asked · 1 failed while running, or a stop that took too long · 2 wrong config or usage · 70 a bug
`;
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly description?: string;
  readonly default?: unknown;
}

function keysOf(schema: JsonSchema, path: readonly string[]): readonly ConfigKey[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const key = [...path, name].join(".");
    if (field.properties !== undefined) return keysOf(field, [...path, name]);
    const named = (wanted: string) => variables.find((one) => one.path.join(".") === wanted)?.name;
    const variable = [named(key), named(`${key}.file`)].filter((one) => one !== undefined).join(" ");
    const { description = "", default: given } = field;
    const standard = given === undefined || JSON.stringify(given) === "[]" ? "" : String(given);
    const own = { key, variable, standard, description };
    return [own, ...(field.items === undefined ? [] : keysOf(field.items, [...path, `${name}[]`]))];
  });
}
