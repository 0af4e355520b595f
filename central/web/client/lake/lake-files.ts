/** The Parquet files of a snapshot. */
import type { z } from "@hono/zod-openapi";
import { type ComponentChild, h } from "preact";
import type { LakeFile } from "../../../api/lake/schema.ts";
import { MoreButton } from "../books/more-button.ts";
import { usePages } from "../books/pages.ts";
import { formatBytes, formatCount, formatTime } from "../format.ts";
import { tableCard, tableHead } from "../frame/table.ts";
import { unlessBody } from "../reports/said.ts";

export function LakeFiles({ snapshot, atMs }: { readonly snapshot: number; readonly atMs: number }): ComponentChild {
  const list = usePages<z.infer<typeof LakeFile>>(`/api/v1/lake/files?snapshot=${snapshot}`, "files");
  const { rows, answer } = list.pages.value;
  const words = unlessBody(answer, "files");
  return [
    h("h3", { key: "title" }, `Files of the snapshot of ${formatTime(atMs)}`),
    words !== undefined && h("p", { key: "words", class: "empty" }, words),
    words === undefined && rows.length === 0 && h("p", { key: "none", class: "empty" }, "It has none."),
    rows.length > 0 &&
      h(
        "div",
        { key: "table" },
        tableCard({
          label: "Files",
          head: tableHead(["Stream", "Date", "Bucket", "Rows", "Size", "File"]),
          rows: rows.map(({ path, stream, date, bucket, rows: count, bytes }) =>
            h(
              "tr",
              { key: path },
              [stream, date, `${bucket}`, formatCount(count), formatBytes(bytes), path].map((text, index) =>
                h("td", { key: index }, text),
              ),
            ),
          ),
        }),
      ),
    h(MoreButton, { key: "more", list }),
  ];
}
