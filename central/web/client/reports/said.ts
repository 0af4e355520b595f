import type { Answer } from "../central/ask.ts";

/** What to say in place of an answer's body; undefined: there is one. */
export function unlessBody(answer: Answer<unknown> | undefined, what: string): string | undefined {
  if (answer === undefined) return "Asking …";
  if (answer.kind === "body") return undefined;
  if (answer.kind === "absent") return `This central does not offer ${what}: ${answer.words}`;
  return `No answer about ${what}: ${answer.words}`;
}
