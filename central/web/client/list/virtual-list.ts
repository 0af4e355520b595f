/**
 * A list of any length: only the rows that are seen are in the document. All rows have one height, which the style sheet
 * gives (`--row`). The keys up, down, page up, page down, home and end move the row that Enter opens.
 */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { listWindow } from "./window.ts";

/** What a list shows. */
export interface VirtualListProps<Row> {
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly draw: (row: Row) => ComponentChild;
  /** For those who hear the page. */
  readonly label: string;
  readonly rowHeight: number;
  readonly open?: (row: Row) => void;
}

export function VirtualList<Row>({ rows, keyOf, draw, label, rowHeight, open }: VirtualListProps<Row>): ComponentChild {
  const box = useRef<HTMLDivElement>(null);
  const view = useSignal({ scrollTop: 0, height: 600 });
  const chosen = useSignal(-1);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const measure = () => {
      const { scrollTop, clientHeight: height } = element;
      if (view.value.scrollTop !== scrollTop || view.value.height !== height) view.value = { scrollTop, height };
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener("scroll", measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", measure);
    };
  }, []);
  const { from, to, aboveHeight, belowHeight } = listWindow(rows.length, { ...view.value, rowHeight });
  const keys = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.value.height / rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const row = rows[chosen.value];
    if (event.key === "Enter" && row !== undefined) open?.(row);
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    chosen.value = Math.min(rows.length - 1, Math.max(0, chosen.value + step));
    const top = chosen.value * rowHeight;
    const { scrollTop, height } = view.value;
    if (top < scrollTop) box.current?.scrollTo({ top });
    else if (top + rowHeight > scrollTop + height) box.current?.scrollTo({ top: top + rowHeight - height });
  };
  return h(
    "div",
    { class: "list", ref: box, tabIndex: 0, role: "listbox", "aria-label": label, onKeyDown: keys },
    h("div", { style: { height: `${aboveHeight}px` } }),
    rows.slice(from, to).map((row, index) =>
      h(
        "div",
        {
          key: keyOf(row),
          class: from + index === chosen.value ? "row chosen" : "row",
          role: "option",
          "aria-selected": from + index === chosen.value,
          "aria-posinset": from + index + 1,
          "aria-setsize": rows.length,
          onClick: () => open?.(row),
        },
        draw(row),
      ),
    ),
    h("div", { style: { height: `${belowHeight}px` } }),
  );
}
