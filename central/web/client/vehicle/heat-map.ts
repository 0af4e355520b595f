/** How complete each hour is, as squares: a column an hour of the day, a row a day. */
import { type ComponentChild, h } from "preact";
import { listIn, numberIn } from "../central/loose.ts";
import { usePolled } from "../central/poll.ts";
import { formatShare, formatTime } from "../format.ts";
import { wallMs } from "../frame/ticker.ts";
import { unlessBody } from "../reports/said.ts";

/** An hour of a stream, as the page needs it. */
export interface Hour {
  readonly hourMs: number;
  readonly expected: number;
  readonly stored: number;
  readonly missing: number;
}

const daysMax = 14;
const hourMs = 3_600_000;

/** Hours out of an answer, streams summed up. */
export function hoursOf(body: unknown): readonly Hour[] {
  const sums = new Map<number, Hour>();
  for (const each of listIn(body, "cells")) {
    const at = numberIn(each, "hourMs");
    if (at === undefined) continue;
    const before = sums.get(at) ?? { hourMs: at, expected: 0, stored: 0, missing: 0 };
    const stored = numberIn(each, "stored") ?? 0;
    const missing = numberIn(each, "missing") ?? 0;
    sums.set(at, {
      hourMs: at,
      expected: before.expected + (numberIn(each, "expected") ?? stored + missing),
      stored: before.stored + stored,
      missing: before.missing + missing,
    });
  }
  return [...sums.values()].sort((a, b) => a.hourMs - b.hourMs);
}

export function HeatMap({ agent, stream }: { readonly agent: string; readonly stream: string }): ComponentChild {
  const from = Math.floor(wallMs() / hourMs) * hourMs - (daysMax - 1) * 24 * hourMs;
  const path = `/api/v1/completeness?limit=10000&agent=${encodeURIComponent(agent)}&stream=${encodeURIComponent(stream)}&from=${from}`;
  const answer = usePolled<unknown>(path, 15_000);
  const words = unlessBody(answer.value, "completeness by hour");
  if (words !== undefined || answer.value?.kind !== "body") return h("p", { class: "empty" }, words ?? "");
  const hours = hoursOf(answer.value.body);
  if (hours.length === 0) return h("p", { class: "empty" }, "Nothing is known of any hour yet.");
  const dayOf = (ms: number) => Math.floor(ms / (24 * hourMs));
  const days = [...new Set(hours.map((each) => dayOf(each.hourMs)))].slice(-daysMax);
  const byHour = new Map(hours.map((each) => [each.hourMs, each]));
  return h(
    "div",
    { class: "card heat", role: "img", "aria-label": "Completeness by hour" },
    days.map((day) =>
      h(
        "div",
        { key: day, class: "day" },
        h("span", null, formatTime(day * 24 * hourMs).slice(0, 10)),
        Array.from({ length: 24 }, (_, index) => square(byHour.get((day * 24 + index) * hourMs), day * 24 + index)),
      ),
    ),
  );
}

function square(hour: Hour | undefined, key: number): ComponentChild {
  if (hour === undefined || hour.expected === 0) return h("i", { key, class: "none" });
  const { expected, stored, missing } = hour;
  const share = stored / expected;
  const mood = missing > 0 ? (share < 0.9 ? "bad" : "warn") : share < 1 ? "late" : "good";
  const title = `${formatTime(hour.hourMs)}: ${formatShare(stored, expected)}, ${missing} missing`;
  return h("i", { key, class: mood, title });
}
