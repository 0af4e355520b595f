import type { Command } from "./command.ts";

/** What this is: set by the build; a checkout says so. */
export function versionText(): string {
  const version = process.env.TAILGATE_VERSION ?? "from source";
  const target = process.env.TAILGATE_TARGET ?? `${process.platform}-${process.arch}`;
  return `tailgate ${version} (${target}, bun ${Bun.version})`;
}

/** `tailgate version`. */
export const version: Command = {
  name: "version",
  summary: "Prints the version",
  options: {},
  run(_given, { out }) {
    out(`${versionText()}\n`);
    return 0;
  },
};
