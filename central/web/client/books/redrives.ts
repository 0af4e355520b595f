/** Tries again what the filter shows, after a question, and shows how far that is. */
import { type ComponentChild, h } from "preact";
import { type Answer, tell } from "../central/ask.ts";
import { fieldIn, numberIn, textIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatCount, formatTime } from "../format.ts";
import { Confirm } from "../frame/confirm.ts";
import { choiceWords, type LetterTexts, lettersQuery, newestRedrive, redriveOrder, redriveWords } from "./put-aside.ts";

/** `jobs`: the newest ones, as central has answered last. */
export function Redrives({
  chosen,
  jobs,
}: {
  readonly chosen: LetterTexts;
  readonly jobs: Answer<unknown> | undefined;
}): ComponentChild {
  const counted = usePolled<unknown>(`/api/v1/dead-letters/count${lettersQuery(chosen)}`, 5_000);
  const count = counted.value?.kind === "body" ? (numberIn(counted.value.body, "letters") ?? 0) : undefined;
  const job = newestRedrive(jobs);
  const running = textIn(job, "state") === "running";
  const words = choiceWords(chosen);
  const begin = async () => {
    const answer = await tell({ method: "POST", path: "/api/v1/redrives", body: redriveOrder(chosen) });
    return answer.kind === "body" ? `Redrive #${numberIn(answer.body, "id")} has begun.` : answer.words;
  };
  return [
    h(
      "div",
      { class: "bar" },
      count !== undefined && h("b", { role: "status" }, `${formatCount(count)} put aside, ${words}`),
      count !== undefined &&
        count > 0 &&
        jobs?.kind === "body" &&
        !running &&
        h(Confirm, {
          label: `Redrive ${formatCount(count)}`,
          question: () =>
            `Try ${formatCount(count)} again, ${words}? What is taken now is stored and leaves this list. What is refused again stays, with its new reason.`,
          act: begin,
        }),
    ),
    jobs?.kind === "absent" && h("p", { class: "note" }, jobs.words),
    job !== undefined && h(Job, { job }),
  ];
}

function Job({ job }: { job: unknown }): ComponentChild {
  const id = numberIn(job, "id") ?? 0;
  const state = textIn(job, "state") ?? "";
  const percent = Math.round((numberIn(fieldIn(job, "progress"), "fraction") ?? 0) * 1_000) / 10;
  const cancel = async () => {
    const answer = await tell({ method: "POST", path: `/api/v1/redrives/${id}/cancel` });
    return answer.kind === "body" ? "" : answer.words;
  };
  const who = `by ${textIn(job, "askedBy") ?? "?"}, ${formatTime(numberIn(job, "askedAtMs") ?? 0)}`;
  return h(
    "section",
    { class: "card last replay", "aria-label": `Redrive ${id}` },
    h(
      "div",
      { class: "bar" },
      h("b", null, `Redrive #${id} ${state}`),
      h("span", { class: "note" }, who),
      state === "running" &&
        h(Confirm, {
          label: "cancel",
          question: () => `End redrive #${id}? What it has tried is tried; the others stay put aside.`,
          act: cancel,
        }),
    ),
    h("progress", { max: 100, value: percent, "aria-label": `Redrive ${id}` }),
    h("p", { class: "note" }, `${choiceWords(fieldIn(job, "choice"))} · ${redriveWords(job)}`),
  );
}
