import { renderConfigSchema } from "../reference.ts";
import type { Command } from "./command.ts";

/** `tailgate schema`. */
export const schema: Command = {
  name: "schema",
  summary: "Prints the JSON Schema of the config, for editors",
  options: {},
  details:
    "# yaml-language-server: $schema=./config.schema.json\nas the first line of a config makes most editors complete and check it.",
  run(_given, { registry, out }) {
    out(renderConfigSchema(registry));
    return 0;
  },
};
