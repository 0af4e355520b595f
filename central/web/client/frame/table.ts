/** Tables of the page. */
import { type ComponentChild, h } from "preact";

/** The names over the columns; those of numbers stand at the right. */
export function tableHead(names: readonly string[], numbersFrom = names.length): ComponentChild {
  return h(
    "thead",
    null,
    h(
      "tr",
      null,
      names.map((name, index) => h("th", { key: index, class: index >= numbersFrom ? "number" : "" }, name)),
    ),
  );
}

/** What a table in a card of its own is made of. */
export interface TableParts {
  /** For those who do not see it. */
  readonly label: string;
  readonly head: ComponentChild;
  readonly rows: readonly ComponentChild[];
}

/** A table that scrolls sideways where it is too wide. */
export function tableCard({ label, head, rows }: TableParts): ComponentChild {
  return h("div", { class: "card scroll" }, h("table", { "aria-label": label }, head, h("tbody", null, rows)));
}
