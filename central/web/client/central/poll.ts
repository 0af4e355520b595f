import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Answer, ask } from "./ask.ts";

/** Asks again and again while a view is shown; never twice at once, and not while nobody looks. */
export function usePolled<Body>(path: string, everyMs: number): Signal<Answer<Body> | undefined> {
  const answer = useSignal<Answer<Body> | undefined>(undefined);
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const turn = async () => {
      if (!document.hidden) {
        const found = await ask<Body>(path);
        if (over) return;
        // What was shown stays while central is away: the banner says how old it is.
        if (found.kind !== "failed" || answer.value?.kind !== "body") answer.value = found;
      }
      timer = setTimeout(turn, everyMs);
    };
    turn();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return answer;
}
