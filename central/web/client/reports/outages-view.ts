/** Who was away when, what could not be delivered meanwhile, what of it came since, and what never will. */
import { type ComponentChild, h } from "preact";
import { listIn, numberIn, textIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatAge, formatCount, formatTime } from "../format.ts";
import { tickMs, wallMs } from "../frame/ticker.ts";
import { unlessBody } from "./said.ts";

const kinds: Readonly<Record<string, string>> = {
  link: "it ran, and did not get through",
  stopped: "it said goodbye",
  killed: "it ended without a word",
  silent: "it is silent, and nobody knows why",
};

export function OutagesView(): ComponentChild {
  const answer = usePolled<unknown>("/api/v1/outages?limit=200", 5_000);
  const words = unlessBody(answer.value, "outages");
  const outages = answer.value?.kind === "body" ? listIn(answer.value.body, "outages") : [];
  return h(
    "div",
    { class: "view" },
    h("h2", null, "Outages"),
    h("p", { class: "note" }, "Who was away when, what waited, what of it came since, and what never will."),
    words !== undefined && h("p", { class: "empty" }, words),
    words === undefined && outages.length === 0 && h("p", { class: "empty" }, "Nobody was away."),
    outages.map((each, index) =>
      h(Outage, { key: `${textIn(each, "agent")} ${numberIn(each, "fromMs")} ${index}`, each }),
    ),
  );
}

function Outage({ each }: { each: unknown }): ComponentChild {
  const fromMs = numberIn(each, "fromMs") ?? 0;
  const toMs = numberIn(each, "toMs");
  const caughtUpMs = numberIn(each, "caughtUpMs");
  const missed = listIn(each, "missed");
  const sum = (name: string) => missed.reduce<number>((all, one) => all + (numberIn(one, name) ?? 0), 0);
  const waited = missed.reduce<number>(
    (all, one) => all + (numberIn(one, "last") ?? -1) - (numberIn(one, "first") ?? 0) + 1,
    0,
  );
  // It goes on: the time goes on with it.
  const lastedMs = (toMs ?? wallMs() + 0 * tickMs.value) - fromMs;
  const mood = toMs === undefined ? "away" : sum("missing") > 0 ? "silent" : "live";
  const shed = missed.flatMap((one) => listIn(one, "shed"));
  return h(
    "details",
    { class: "card last" },
    h(
      "summary",
      null,
      h("b", { class: `name ${mood}` }, textIn(each, "agent") ?? ""),
      ` ${toMs === undefined ? "is away" : "was away"} for ${formatAge(lastedMs)}: ${kinds[textIn(each, "kind") ?? ""] ?? ""}`,
      h(
        "span",
        { class: "note" },
        ` · ${formatCount(waited)} waited, ${formatCount(sum("came"))} came, ${formatCount(sum("missing"))} missing`,
      ),
    ),
    h("p", null, `From ${formatTime(fromMs)}${toMs === undefined ? ", and it goes on" : ` to ${formatTime(toMs)}`}.`),
    caughtUpMs !== undefined && h("p", null, `All that had waited had left the vehicle at ${formatTime(caughtUpMs)}.`),
    missed.map((one, index) => h("p", { key: index }, laneWords(one))),
    shed.map((range, index) =>
      h(
        "p",
        { key: index, class: "warn" },
        `Will never come: ${numberIn(range, "first")} to ${numberIn(range, "last")}, ${textIn(range, "reason")}.`,
      ),
    ),
    listIn(each, "losses").map((loss, index) =>
      h(
        "p",
        { key: index, class: "warn" },
        `Lost before it had a number: ${textIn(loss, "stream")} ${textIn(loss, "name")} ${formatCount(numberIn(loss, "amount"))}.`,
      ),
    ),
  );
}

function laneWords(one: unknown): string {
  const range = `${formatCount(numberIn(one, "first"))} to ${formatCount(numberIn(one, "last"))}`;
  const rest = ["came", "onTheWay", "inVehicle", "missing"]
    .map((name) => [numberIn(one, name) ?? 0, name] as const)
    .filter(([count]) => count > 0)
    .map(
      ([count, name]) =>
        `${formatCount(count)} ${{ came: "came", onTheWay: "on the way", inVehicle: "in the vehicle", missing: "missing" }[name] ?? name}`,
    );
  return `${textIn(one, "stream")}/${numberIn(one, "lane")}: ${range}: ${rest.join(", ")}.`;
}
