/** What the books say is wrong: offsets that nobody will read, and records that came under one identity with other bytes. */
import type { z } from "@hono/zod-openapi";
import { type ComponentChild, h } from "preact";
import type { Conflict } from "../../../api/conflicts/schema.ts";
import type { GapBody } from "../../../api/gaps/schema.ts";
import { formatCount, formatTime } from "../format.ts";
import { linkTo } from "../frame/place.ts";
import { tableHead } from "../frame/table.ts";
import { unlessBody } from "../reports/said.ts";
import { MoreButton } from "./more-button.ts";
import { usePages } from "./pages.ts";

export function BooksView(): ComponentChild {
  const gaps = usePages<z.infer<typeof GapBody>>("/api/v1/gaps", "gaps");
  const conflicts = usePages<z.infer<typeof Conflict>>("/api/v1/conflicts", "conflicts");
  const gapWords = unlessBody(gaps.pages.value.answer, "gaps");
  const conflictWords = unlessBody(conflicts.pages.value.answer, "conflicts");
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Gaps"),
    h("p", { class: "note" }, "Offsets of the topics that were gone before they could be stored."),
    h(
      "p",
      { class: "empty" },
      gapWords ?? (gaps.pages.value.rows.length === 0 ? "None: nothing was lost on the way here." : ""),
    ),
    gaps.pages.value.rows.length > 0 &&
      h(
        "div",
        { class: "card scroll" },
        h(
          "table",
          { "aria-label": "Gaps" },
          tableHead(["Seen", "Topic", "Partition", "Why", "From", "To"]),
          h(
            "tbody",
            null,
            gaps.pages.value.rows.map(({ id, atMs, topic, partition, kind, firstOffset, lastOffset }) =>
              h(
                "tr",
                { key: id },
                [
                  formatTime(atMs),
                  topic,
                  partition,
                  kind === "retention" ? "deleted by retention" : "the topic was made anew",
                  formatCount(firstOffset),
                  lastOffset === undefined ? "nobody knows" : formatCount(lastOffset),
                ].map((text, index) => h("td", { key: index }, text)),
              ),
            ),
          ),
        ),
      ),
    h(MoreButton, { list: gaps }),
    h("h2", null, "Conflicts"),
    h(
      "p",
      { class: "note" },
      "Records that came under the identity of a stored one, with other bytes. Neither is lost.",
    ),
    h("p", { class: "empty" }, conflictWords ?? (conflicts.pages.value.rows.length === 0 ? "None." : "")),
    conflicts.pages.value.rows.map((each) =>
      h(
        "details",
        { key: each.id, class: "card last" },
        h(
          "summary",
          null,
          `${formatTime(each.atMs)} · ${each.vehicle} · ${each.agent}/${each.epoch}/${each.stream}/${each.lane} number ${each.seq}`,
        ),
        h(
          "p",
          null,
          h("a", { href: linkTo("vehicle", each.vehicle) }, each.vehicle),
          ` at ${each.topic}/${each.partition}, offset ${each.offset}`,
        ),
        h("p", null, `Sent by: ${each.sender || "unknown"}. The lane before it: ${each.heldBy || "unknown"}.`),
        h("pre", null, each.value ?? `base64 ${each.valueBase64 ?? ""}`),
      ),
    ),
    h(MoreButton, { list: conflicts }),
  );
}
