import { z } from "zod";
import { resolvePath } from "./base-directory.ts";

/** A config field for a path (or a glob pattern). Relative ones mean the config file's folder. Yields an absolute path. */
export function path(missing = "not a path: write a text") {
  return z
    .string({ error: missing })
    .transform((written, context) => {
      const refuse = (message: string) => {
        context.addIssue({ code: "custom", message });
        return z.NEVER;
      };
      if (written === "") return refuse("the path is empty");
      if (written.includes("\0")) return refuse("the path contains a NUL byte");
      if (written.startsWith("~")) {
        return refuse(`"${written}": "~" is the shell's word; write the whole path, or \${HOME}${written.slice(1)}`);
      }
      return resolvePath(written);
    })
    .meta({ format: "path" });
}
