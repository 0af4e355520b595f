/** The lake: how far it is, its snapshots with what is in each, and the files of one. */
import type { z } from "@hono/zod-openapi";
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import type { LakeSnapshotRow, LakeStatus } from "../../../api/lake/schema.ts";
import { MoreButton } from "../books/more-button.ts";
import { usePages } from "../books/pages.ts";
import { usePolled } from "../central/poll.ts";
import { formatBytes, formatCount, formatTime } from "../format.ts";
import { tableCard, tableHead } from "../frame/table.ts";
import { unlessBody } from "../reports/said.ts";
import { LakeFiles } from "./lake-files.ts";

type Status = z.infer<typeof LakeStatus>;
type Snapshot = z.infer<typeof LakeSnapshotRow>;

export function LakeView(): ComponentChild {
  const answer = usePolled<Status>("/api/v1/lake", 2_000);
  const status = answer.value?.kind === "body" ? answer.value.body : undefined;
  const words =
    answer.value?.kind === "absent"
      ? "No lake is configured: `lake.directory` in central's config names where its files go."
      : unlessBody(answer.value, "the lake");
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Lake"),
    h(
      "p",
      { class: "note" },
      "The topics as one Iceberg table of Parquet files, which other programs read through this central.",
    ),
    words !== undefined && h("p", { class: "empty" }, words),
    status !== undefined && h(State, { status }),
    // A commit is a new list of snapshots, and of files.
    status !== undefined &&
      status.table !== null &&
      h(Snapshots, { key: `${status.lastCommitMs} ${status.snapshots}` }),
  );
}

const states: Readonly<Record<Status["state"], string>> = {
  starting: "starting",
  writing: "writing",
  waiting: "waiting",
  standby: "another central writes it",
};

function State({ status }: { status: Status }): ComponentChild {
  const { table, state, trouble, hint, lag, rows, files, bytes, snapshots, bufferedRows, lastCommitMs } = status;
  const sums: readonly (readonly [string, string])[] = [
    ["rows", formatCount(rows)],
    ["files", formatCount(files)],
    ["size", formatBytes(bytes)],
    ["snapshots", formatCount(snapshots)],
    ["not read yet", formatCount(lag)],
    ["read, not committed", formatCount(bufferedRows)],
  ];
  const odd = (["gone", "damaged", "withheld", "erasuresPending"] as const).filter((name) => status[name] > 0);
  return [
    h(
      "div",
      { key: "sums", class: "sums" },
      sums.map(([name, value]) =>
        h("div", { key: name, class: "card sum" }, h("b", null, value), h("span", null, name)),
      ),
    ),
    h(
      "p",
      { key: "table", class: "note" },
      table === null ? "There is no table yet: it is made with the first commit." : `Table ${table}`,
      ` · ${states[state]}`,
      lastCommitMs !== null && ` · last commit ${formatTime(lastCommitMs)}`,
    ),
    trouble !== null && h("p", { key: "trouble", class: "bad" }, `${trouble}. ${hint ?? ""}`),
    odd.length > 0 &&
      h(
        "p",
        { key: "odd", class: "warn" },
        odd.map((name) => `${oddWords[name]}: ${formatCount(status[name])}`).join(" · "),
      ),
  ];
}

const oddWords = {
  gone: "offsets that Kafka no longer held",
  damaged: "offsets that cannot be read",
  withheld: "rows of erased vehicles left out",
  erasuresPending: "erased vehicles whose rows are still in it",
};

function Snapshots(): ComponentChild {
  const list = usePages<Snapshot>("/api/v1/lake/snapshots?limit=20", "snapshots");
  const chosen = useSignal<number | undefined>(undefined);
  const { rows, answer } = list.pages.value;
  const words = unlessBody(answer, "snapshots");
  const shown = rows.find(({ id }) => id === chosen.value) ?? rows[0];
  return [
    h("h3", { key: "title" }, "Snapshots"),
    words !== undefined && h("p", { key: "words", class: "empty" }, words),
    rows.length > 0 &&
      h(
        "div",
        { key: "table" },
        tableCard({
          label: "Snapshots",
          head: tableHead(["Time", "What", "Rows", "Added", "Deleted", "Files", "Size", "Offsets", ""]),
          rows: rows.map((row) =>
            h(SnapshotRow, {
              key: row.id,
              row,
              shown: row.id === shown?.id,
              choose: () => {
                chosen.value = row.id;
              },
            }),
          ),
        }),
      ),
    h(MoreButton, { key: "more", list }),
    shown !== undefined && h(LakeFiles, { key: `files ${shown.id}`, snapshot: shown.id, atMs: shown.atMs }),
  ];
}

function SnapshotRow({ row, shown, choose }: { row: Snapshot; shown: boolean; choose: () => void }): ComponentChild {
  const { atMs, operation, rows, addedRows, deletedRows, files, bytes, offsets } = row;
  const cells = [
    formatTime(atMs),
    operation,
    ...[rows, addedRows, deletedRows, files].map(formatCount),
    formatBytes(bytes),
  ];
  return h(
    "tr",
    null,
    cells.map((text, index) => h("td", { key: index }, text)),
    h("td", null, offsetWords(offsets)),
    h(
      "td",
      { class: "acts" },
      h("button", { type: "button", class: "chip small", "aria-pressed": shown, onClick: choose }, "files"),
    ),
  );
}

function offsetWords(offsets: Snapshot["offsets"]): string {
  return Object.entries(offsets)
    .map(
      ([topic, partitions]) =>
        `${topic}: ${Object.entries(partitions)
          .map(([at, next]) => `${at} → ${formatCount(next)}`)
          .join(", ")}`,
    )
    .join(" · ");
}
