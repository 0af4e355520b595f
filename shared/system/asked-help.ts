import { readFileSync } from "node:fs";

/** What a script says of itself: the comment that it begins with, without the stars. */
export function headComment(source: string): string {
  const [, comment = ""] = /^\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  return comment
    .split("\n")
    .map((line) => line.replace(/^ ?\* ?/, ""))
    .join("\n")
    .trim();
}

/** The help of the script at this path, when it was asked for: undefined otherwise. */
export function askedHelp(path: string): string | undefined {
  const asked = process.argv.slice(2);
  return asked.includes("--help") || asked.includes("-h") ? headComment(readFileSync(path, "utf8")) : undefined;
}
