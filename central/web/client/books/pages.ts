import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Answer, ask } from "../central/ask.ts";
import { listIn, textIn } from "../central/loose.ts";

/** A list that is read page by page, as far as the reader asks. */
export interface Pages<Row> {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
  readonly answer: Answer<unknown> | undefined;
}

/** The first page now, and `more()` for the next one. */
export function usePages<Row>(path: string, field: string): { pages: Signal<Pages<Row>>; more: () => Promise<void> } {
  const pages = useSignal<Pages<Row>>({ rows: [], next: undefined, answer: undefined });
  const more = async () => {
    const { rows, next } = pages.value;
    const cursor = next === undefined ? "" : `${path.includes("?") ? "&" : "?"}cursor=${next}`;
    const answer = await ask<Record<string, Row[]>>(`${path}${cursor}`, 10_000);
    if (answer.kind !== "body") {
      pages.value = { ...pages.value, answer };
      return;
    }
    const fresh = listIn(answer.body, field).length === 0 ? [] : (answer.body[field] ?? []);
    pages.value = { rows: [...rows, ...fresh], next: textIn(answer.body, "next"), answer };
  };
  useEffect(() => {
    more();
  }, [path]);
  return { pages, more };
}
