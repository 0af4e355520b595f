/** Vehicles that were erased: of them nothing is stored, until they are taken off this list. */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { MoreButton } from "../books/more-button.ts";
import { usePages } from "../books/pages.ts";
import { tell } from "../central/ask.ts";
import { formatCount, formatTime } from "../format.ts";
import { Confirm } from "../frame/confirm.ts";
import { tableCard, tableHead } from "../frame/table.ts";
import { unlessBody } from "../reports/said.ts";

/** As `/api/v1/suppressions` lists them. */
interface Erased {
  readonly vehicle: string;
  readonly atMs: number;
  readonly by: string;
  readonly events: number;
  readonly withheld: number;
}

export function ErasedView(): ComponentChild {
  const turn = useSignal(0);
  const said = useSignal("");
  const free = async (vehicle: string): Promise<string> => {
    const answer = await tell({
      method: "DELETE",
      path: `/api/v1/suppressions?vehicle=${encodeURIComponent(vehicle)}`,
    });
    if (answer.kind !== "body") return answer.words;
    said.value = `${vehicle} is stored again from now on.`;
    turn.value++;
    return "";
  };
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Erased"),
    h(
      "p",
      { class: "note" },
      "Vehicles that were erased. What comes of them is counted in the books and withheld. A vehicle is erased on its own page.",
    ),
    h("p", { class: "note", role: "status" }, said.value),
    h(List, { key: turn.value, free }),
  );
}

function List({ free }: { free: (vehicle: string) => Promise<string> }): ComponentChild {
  const list = usePages<Erased>("/api/v1/suppressions", "suppressions");
  const { rows, answer } = list.pages.value;
  const words = unlessBody(answer, "erasure");
  if (words !== undefined) return h("p", { class: "empty" }, words);
  if (rows.length === 0) return h("p", { class: "empty" }, "No vehicle was erased.");
  return [
    h(
      "div",
      { key: "table" },
      tableCard({
        label: "Erased vehicles",
        head: tableHead(["Vehicle", "When", "By", "Removed", "Withheld since", ""]),
        rows: rows.map(({ vehicle, atMs, by, events, withheld }) =>
          h(
            "tr",
            { key: vehicle },
            [vehicle, formatTime(atMs), by, formatCount(events), formatCount(withheld)].map((text, index) =>
              h("td", { key: index }, text),
            ),
            h(
              "td",
              { class: "acts" },
              h(Confirm, {
                label: "Store again",
                question: () =>
                  `Store what comes of ${vehicle} from now on? A replay also brings back what Kafka still has of it.`,
                act: () => free(vehicle),
              }),
            ),
          ),
        ),
      }),
    ),
    h(MoreButton, { key: "more", list }),
  ];
}
