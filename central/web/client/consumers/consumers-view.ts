/** Who reads each partition into this store, and how far that is. */
import type { z } from "@hono/zod-openapi";
import { type ComponentChild, h } from "preact";
import type { LagBody } from "../../../api/status/schema.ts";
import { usePolled } from "../central/poll.ts";
import { formatCount, formatTime } from "../format.ts";
import { tableCard, tableHead } from "../frame/table.ts";
import { unlessBody } from "../reports/said.ts";

type Partition = z.infer<typeof LagBody>["partitions"][number];

const readers: Readonly<Record<Partition["reader"], string>> = {
  self: "this central",
  sibling: "another central on this store",
  stranger: "a stranger: it writes elsewhere",
  nobody: "nobody",
  unknown: "unknown",
};

export function ConsumersView(): ComponentChild {
  const answer = usePolled<z.infer<typeof LagBody>>("/api/v1/lag", 1_000);
  const words = unlessBody(answer.value, "partitions");
  const lag = answer.value?.kind === "body" ? answer.value.body : undefined;
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Consumers"),
    lag !== undefined &&
      h(
        "p",
        { class: "note" },
        `Partitions: ${lag.partitions.length} · lag: ${formatCount(lag.lag)} · group joined: ${formatCount(lag.rebalances)}×`,
        lag.groupRefused && h("b", { class: "bad" }, " The group does not let this central in."),
      ),
    words !== undefined && h("p", { class: "empty" }, words),
    lag !== undefined && lag.partitions.length === 0 && h("p", { class: "empty" }, "No partition is known yet."),
    lag !== undefined && lag.partitions.length > 0 && h(Partitions, { partitions: lag.partitions }),
  );
}

function Partitions({ partitions }: { partitions: readonly Partition[] }): ComponentChild {
  const names = ["Topic", "Partition", "Read by", "Stored up to", "End", "Lag", "Waiting", "Events", "Last stored"];
  const rows = partitions.map((each) => h(Row, { key: `${each.topic}/${each.partition}`, each }));
  return tableCard({ label: "Partitions", head: tableHead(names, 3), rows });
}

function Row({ each }: { each: Partition }): ComponentChild {
  const { topic, partition, reader, next, highWatermark, lag, waiting, stored, updatedAtMs, unread, stalled } = each;
  const untoldForMs = each.untoldForMs ?? 0;
  const isUntold = untoldForMs >= 30_000;
  const state = isUntold
    ? ` · end unknown for ${Math.round(untoldForMs / 1_000)} s`
    : stalled
      ? " · stands still"
      : unread
        ? " · unread"
        : "";
  return h(
    "tr",
    { class: unread || stalled || isUntold ? "bad" : "" },
    h("td", null, topic),
    h("td", null, partition),
    h("td", null, `${readers[reader]}${state}`),
    [formatCount(next), formatCount(highWatermark), formatCount(lag), formatCount(waiting), formatCount(stored)].map(
      (text, index) => h("td", { key: index, class: "number" }, text),
    ),
    h("td", { class: "number" }, updatedAtMs === null ? "–" : formatTime(updatedAtMs)),
  );
}
