/** Which rows of a long list are drawn. */

/** Rows outside of what is seen that are drawn too, so that a quick scroll shows no blank. */
const marginRows = 8;

/** A part of a list, and how much of it is above and below. */
export interface ListWindow {
  readonly from: number;
  readonly to: number;
  readonly aboveHeight: number;
  readonly belowHeight: number;
}

/** The rows that are seen when the list is scrolled by `scrollTop`, `height` pixels of it are shown, and a row has `rowHeight`. */
export function listWindow(
  rows: number,
  { scrollTop, height, rowHeight }: { scrollTop: number; height: number; rowHeight: number },
): ListWindow {
  const first = Math.floor(Math.max(0, scrollTop) / rowHeight);
  const last = Math.ceil((Math.max(0, scrollTop) + height) / rowHeight);
  const to = Math.min(rows, last + marginRows);
  const from = Math.max(0, Math.min(first - marginRows, to));
  return { from, to, aboveHeight: from * rowHeight, belowHeight: Math.max(0, rows - to) * rowHeight };
}
