import { type ComponentChild, h } from "preact";
import type { usePages } from "./pages.ts";

/** Asks for the next page, where there is one. */
export function MoreButton({ list }: { readonly list: ReturnType<typeof usePages> }): ComponentChild {
  if (list.pages.value.next === undefined) return null;
  return h("button", { type: "button", class: "chip", onClick: () => list.more() }, "More");
}
