/** Replays, and how far they are. */
import { type ComponentChild, h } from "preact";
import { usePolled } from "../central/poll.ts";
import { listIn } from "./loose.ts";
import { RecordsTable } from "./records-table.ts";
import { unlessBody } from "./said.ts";

export function ReplaysView(): ComponentChild {
  const answer = usePolled<unknown>("/api/v1/replays", 2_000);
  const words = unlessBody(answer.value, "replays");
  const records = answer.value?.kind === "body" ? listIn(answer.value.body, "replays") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Replays"),
    h("p", { class: "note" }, "Records that are read again: into the store, a view or a topic."),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && records.length === 0 && h("p", { class: "empty" }, "No replay has been asked for."),
    records.length > 0 && h(RecordsTable, { records, label: "Replays" }),
  );
}
