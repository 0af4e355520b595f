/** What the rules have found. */
import { type ComponentChild, h } from "preact";
import { usePolled } from "../central/poll.ts";
import { listIn } from "./loose.ts";
import { RecordsTable } from "./records-table.ts";
import { unlessBody } from "./said.ts";

export function AlertsView(): ComponentChild {
  const answer = usePolled<unknown>("/api/v1/alerts", 3_000);
  const words = unlessBody(answer.value, "alerts");
  const records = answer.value?.kind === "body" ? listIn(answer.value.body, "alerts") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Alerts"),
    h("p", { class: "note" }, "What the rules have found while events were stored."),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && records.length === 0 && h("p", { class: "empty" }, "No rule has found anything."),
    records.length > 0 && h(RecordsTable, { records, label: "Alerts" }),
  );
}
