/** What could not be stored as an event, with its reason and its bytes; chosen by a filter, and tried again one by one or all. */
import type { z } from "@hono/zod-openapi";
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import type { DeadLetter } from "../../../api/dead-letters/schema.ts";
import { tell } from "../central/ask.ts";
import { numberIn, textIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatTime } from "../format.ts";
import { TextField } from "../frame/form.ts";
import { cell } from "../reports/records-table.ts";
import { unlessBody } from "../reports/said.ts";
import { hexDump } from "./hex-dump.ts";
import { MoreButton } from "./more-button.ts";
import { usePages } from "./pages.ts";
import { type LetterTexts, lettersQuery, newestRedrive, noLetterTexts } from "./put-aside.ts";
import { Redrives } from "./redrives.ts";

export function PutAsideView(): ComponentChild {
  const texts = useSignal(noLetterTexts);
  const chosen = useSignal(noLetterTexts);
  const jobs = usePolled<unknown>("/api/v1/redrives?limit=3", 1_000);
  const submit = (event: Event) => {
    event.preventDefault();
    chosen.value = texts.value;
  };
  const field = (label: string, name: keyof LetterTexts) =>
    h(TextField, {
      label,
      name,
      empty: "all",
      value: texts.value[name],
      take: (value) => {
        texts.value = { ...texts.value, [name]: value };
      },
    });
  const job = newestRedrive(jobs.value);
  // A job that has ended has changed the list.
  const turn = textIn(job, "state") === "running" ? "" : String(numberIn(job, "id") ?? "");
  const query = lettersQuery(chosen.value);
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Put aside"),
    h(
      "p",
      { class: "note" },
      "What could not be stored as what it claims to be. It is kept with its bytes, and touches no books.",
    ),
    h(
      "form",
      { class: "card last fields-of", "aria-label": "Choose what was put aside", onSubmit: submit },
      field("Topic", "topic"),
      field("Part of the reason", "reason"),
      field("Vehicle", "vehicle"),
      h("div", { class: "bar" }, h("button", { type: "submit", class: "chip" }, "Show")),
    ),
    h(Redrives, { key: `${query} ${turn}`, chosen: chosen.value, jobs: jobs.value }),
    h(Letters, { key: `${query} ${turn} letters`, query }),
  );
}

function Letters({ query }: { query: string }): ComponentChild {
  const list = usePages<z.infer<typeof DeadLetter>>(`/api/v1/dead-letters${query}`, "deadLetters");
  const { rows, answer } = list.pages.value;
  const words = unlessBody(answer, "dead letters");
  const none = query === "" ? "Nothing was put aside." : "Nothing that was put aside is of these.";
  return [
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && rows.length === 0 && h("p", { class: "empty" }, none),
    rows.map((each) => h(Letter, { key: each.id, each })),
    h(MoreButton, { list }),
  ];
}

/** Tries it again, with a key that may; what becomes of it is said in its place. */
function Redrive({ id }: { id: number }): ComponentChild {
  const said = useSignal("");
  const again = async () => {
    const answer = await tell({ method: "POST", path: "/api/v1/dead-letters/redrive", body: { ids: [id] } });
    if (answer.kind !== "body") said.value = answer.words;
    else if ((numberIn(answer.body, "stored") ?? 0) > 0) said.value = "It is stored now.";
    else if ((numberIn(answer.body, "stayed") ?? 0) > 0) said.value = "It was refused again, and stays.";
    else said.value = cell("result", answer.body);
  };
  return h(
    "p",
    null,
    h("button", { type: "button", class: "chip small", onClick: again }, "Try again"),
    said.value !== "" && h("span", { class: "note" }, ` ${said.value}`),
  );
}

function Letter({ each }: { each: z.infer<typeof DeadLetter> }): ComponentChild {
  const { topic, partition, firstOffset, lastOffset, reason, atMs, identity, keyBase64, value, valueBase64 } = each;
  const offsets = firstOffset === lastOffset ? `offset ${firstOffset}` : `offsets ${firstOffset} to ${lastOffset}`;
  return h(
    "details",
    { class: "card last" },
    h(
      "summary",
      null,
      h("b", null, reason),
      h("span", { class: "note" }, ` ${topic}/${partition}, ${offsets} · ${formatTime(atMs)}`),
    ),
    identity !== undefined && h("p", null, "Identity: ", h("code", null, identity)),
    keyBase64 !== undefined && h("p", null, "Key:"),
    keyBase64 !== undefined && h("pre", null, hexDump(bytesOf(keyBase64))),
    h("p", null, value === undefined && valueBase64 === undefined ? "No bytes are kept." : "Bytes:"),
    value !== undefined && h("pre", null, hexDump(new TextEncoder().encode(value))),
    valueBase64 !== undefined && h("pre", null, hexDump(bytesOf(valueBase64))),
    h(Redrive, { id: each.id }),
  );
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
