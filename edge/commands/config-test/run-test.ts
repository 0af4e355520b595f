import { VirtualClock } from "../../../shared/clock/clock.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import type { AgentConfig, SourceConfig } from "../../config/agent-config.ts";
import type { PlacedTest, TestEvent } from "../../config/test-cases.ts";
import type { Context } from "../../core/context.ts";
import { EventView } from "../../core/event-view.ts";
import { cutOversized, droppedBy } from "../../engine/pass-chain.ts";
import { type Difference, differences, type Outcome } from "./differences.ts";

/** What became of a test. */
export interface TestResult {
  readonly name: string;
  readonly source: string;
  readonly events: number;
  readonly failures: readonly EventFailure[];
}

/** One event of a test that did not become what it had to. */
export interface EventFailure {
  /** From 1. */
  readonly event: number;
  readonly line: number;
  readonly column: number;
  /** The event as it went in, as text. */
  readonly body: string;
  readonly differences: readonly Difference[];
}

/** Where the clock of every test begins. */
const beginMs = Date.UTC(2026, 0, 1);

/** Runs one test in a chain of its own: what interceptors remember is remembered within a test and not beyond. */
export async function runTest(config: AgentConfig, test: PlacedTest): Promise<TestResult> {
  const { name, source, events } = test;
  const errors: string[] = [];
  const clock = new VirtualClock(beginMs);
  const report: Report = ({ level, message }, fields) => {
    if (level === "error") errors.push(`${message}: ${JSON.stringify(fields ?? {})}`);
  };
  const pass = await chainOf(config, source, { clock, report });
  const failures: EventFailure[] = [];
  for (const [index, event] of events.entries()) {
    moveTo(clock, event.time);
    errors.length = 0;
    const outcome = attempt(pass, event, clock.now());
    const found = [
      ...(event.expect === undefined ? [] : differences(event.expect, outcome)),
      ...errors.map((error) => ({ what: "errors", expected: "none", actual: error })),
    ];
    const place = test.places[index] ?? { line: 1, column: 1 };
    const body = bytesOf(event).toString("utf8");
    if (found.length > 0) failures.push({ event: index + 1, ...place, body, differences: found });
  }
  return { name, source, events: events.length, failures };
}

type Pass = (event: TestEvent, nowMs: number) => Outcome;

/** A chain throws for nothing that an event contains: when it does, that is what became of the event. */
function attempt(pass: Pass, event: TestEvent, nowMs: number): Outcome {
  try {
    return pass(event, nowMs);
  } catch (thrown) {
    return { kind: "threw", error: messageOf(thrown) };
  }
}

async function chainOf(
  { agent, dataDir, sources }: AgentConfig,
  name: string,
  world: Pick<Context, "clock" | "report">,
): Promise<Pass> {
  const source = sources.get(name);
  if (source === undefined) throw new Error(`no source "${name}"`); // The config's rules have looked.
  const common = { agent, dataDir, random: seededRandom(1), metrics: new Metrics(), ...world };
  const interceptors = await Promise.all(
    source.interceptors.map(({ name: link, make }) => make.create({ ...common, name: `${name}.${link}` })),
  );
  const selector = await source.selector.create({ ...common, name, channels: source.channels });
  const view = new EventView();
  return (event, nowMs) => {
    const bytes = bytesOf(event);
    view.reset(bytes, 0, bytes.length, nowMs);
    for (const [header, value] of Object.entries(event.headers)) view.setHeader(header, value);
    view.key = event.key;
    cutOversized(view);
    const dropped = source.interceptors[droppedBy(view, interceptors)];
    if (dropped !== undefined) return { kind: "filtered", by: dropped.name };
    return { kind: "passed", ...seen(view), channels: named(source, selector.select(view)) };
  };
}

function seen(view: EventView) {
  const { headerNames, headerValues, key, eventTimeMs, buffer, start, end } = view;
  const headers = new Map(headerNames.map((header, index) => [header, headerValues[index] ?? ""]));
  return { body: Buffer.from(buffer.subarray(start, end)), headers, key, timeMs: eventTimeMs };
}

function named({ channels }: SourceConfig, chosen: readonly number[]): readonly string[] {
  return chosen.flatMap((index) => channels[index] ?? []);
}

function bytesOf({ body, bodyBase64 }: TestEvent): Buffer {
  return bodyBase64 === undefined ? Buffer.from(body ?? "", "utf8") : Buffer.from(bodyBase64, "base64");
}

/** The wall clock may be set back; uptime never goes back, here as anywhere. */
function moveTo(clock: VirtualClock, timeMs: number | undefined): void {
  if (timeMs === undefined) return;
  const forward = timeMs - clock.now();
  if (forward > 0) clock.advance(forward);
  else clock.setWall(timeMs);
}
