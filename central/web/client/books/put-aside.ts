/** What is chosen of what was put aside, and what is said of those that try it again. */
import type { Answer } from "../central/ask.ts";
import { fieldIn, listIn, numberIn, textIn } from "../central/loose.ts";
import { formatCount } from "../format.ts";

/** As it is written into the filter. */
export interface LetterTexts {
  readonly topic: string;
  readonly reason: string;
  readonly vehicle: string;
}

/** All of it. */
export const noLetterTexts: LetterTexts = { topic: "", reason: "", vehicle: "" };

/** What is chosen, without the fields that were left empty. */
export function lettersChoice(texts: LetterTexts): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}

/** The same as a query; empty for all. */
export function lettersQuery(texts: LetterTexts): string {
  const query = new URLSearchParams(lettersChoice(texts)).toString();
  return query === "" ? "" : `?${query}`;
}

/** What central is told to try again. */
export function redriveOrder(texts: LetterTexts): object {
  const choice = lettersChoice(texts);
  return Object.keys(choice).length === 0 ? { all: true } : choice;
}

/** In words, from a choice or from the texts of the filter. */
export function choiceWords(choice: unknown): string {
  const [topic, reason, vehicle] = ["topic", "reason", "vehicle"].map((name) => textIn(choice, name) ?? "");
  const words = [
    ...(topic ? [`of the topic ${topic}`] : []),
    ...(vehicle ? [`of ${vehicle}`] : []),
    ...(reason ? [`with "${reason}" in the reason`] : []),
  ];
  return words.length === 0 ? "all" : words.join(", ");
}

/** The newest job, where there is one. */
export function newestRedrive(answer: Answer<unknown> | undefined): unknown {
  return answer?.kind === "body" ? listIn(answer.body, "redrives")[0] : undefined;
}

/** How far it is, and what became of them. */
export function redriveWords(job: unknown): string {
  const counts = fieldIn(job, "counts");
  const of = formatCount(numberIn(fieldIn(job, "progress"), "letters"));
  const parts = ["stored", "repeated", "conflicts", "suppressed", "stayed"].flatMap((name) => {
    const count = numberIn(counts, name) ?? 0;
    return count === 0 ? [] : [`${name} ${formatCount(count)}`];
  });
  return [`tried ${formatCount(numberIn(counts, "tried"))} of ${of}`, ...parts].join(" · ");
}
