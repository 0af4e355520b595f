/** Records whose fields another part of central decides: each field that is there is a column. */
import { type ComponentChild, h } from "preact";
import { formatCount, formatTime } from "../format.ts";
import { tableCard, tableHead } from "../frame/table.ts";

const columnsMax = 12;

/** Rows under the names of their fields. */
export function RecordsTable({ records, label }: { records: readonly unknown[]; label: string }): ComponentChild {
  const columns = [...new Set(records.flatMap(namesOf))].slice(0, columnsMax);
  const rows = records.map((record, index) =>
    h(
      "tr",
      { key: index },
      columns.map((name) => h("td", { key: name }, cell(name, fieldOf(record, name)))),
    ),
  );
  return tableCard({ label, head: tableHead(columns.map(words)), rows });
}

function namesOf(record: unknown): readonly string[] {
  return typeof record === "object" && record !== null ? Object.keys(record) : [];
}

function fieldOf(record: unknown, name: string): unknown {
  return typeof record === "object" && record !== null ? Reflect.get(record, name) : undefined;
}

/** `firstOffset` → `first offset`; the unit is in the value. */
function words(name: string): string {
  return name.replace(/(Ms|Bytes)$/, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** As people read it: times by their names, counts with commas, the rest as JSON. */
export function cell(name: string, value: unknown): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "number") return name.endsWith("Ms") && value > 1e11 ? formatTime(value) : formatCount(value);
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "yes" : "no";
  return JSON.stringify(value);
}
