/** Who was away when, what was missed, and what came back. */
import { type ComponentChild, h } from "preact";
import { usePolled } from "../central/poll.ts";
import { listIn } from "./loose.ts";
import { RecordsTable } from "./records-table.ts";
import { unlessBody } from "./said.ts";

export function OutagesView(): ComponentChild {
  const answer = usePolled<unknown>("/api/v1/outages", 10_000);
  const words = unlessBody(answer.value, "outages");
  const records = answer.value?.kind === "body" ? listIn(answer.value.body, "outages") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Outages"),
    h("p", { class: "note" }, "Who was away when, what they missed, when it came back, and what never will."),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && records.length === 0 && h("p", { class: "empty" }, "No outage is known."),
    records.length > 0 && h(RecordsTable, { records, label: "Outages" }),
  );
}
