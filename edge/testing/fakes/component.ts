import { VirtualClock } from "../../../shared/clock/clock.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { Metrics } from "../../../shared/telemetry/metrics.ts";
import type { Context, SinkContext } from "../../core/context.ts";
import type { Maker, Reading } from "../../core/define.ts";
import { EventView } from "../../core/event-view.ts";

/** A context whose clock moves when told and whose log is silent. */
export function fakeContext(changes: Partial<SinkContext> = {}): SinkContext {
  return {
    name: "test",
    agent: "gw-1",
    dataDir: "/nonexistent",
    clock: new VirtualClock(),
    random: seededRandom(1),
    report: silent,
    metrics: new Metrics(),
    partsKnown: () => {},
    renewEpoch: () => {},
    members: [],
    ...changes,
  };
}

interface Readable<C, T> {
  readonly type: string;
  read(raw: unknown): Reading<Maker<C, T>>;
}

/**
 * The component of a config, as the agent would make it; one whose implementation is at hand with its definition.
 *
 * @throws Error with the mistakes of a config that is wrong.
 */
export function createComponent<C extends Context, T>(definition: Readable<C, T>, raw: unknown, context: C): T {
  const reading = definition.read(raw);
  if (!reading.ok) throw new Error(mistakes(definition, raw).join("; "));
  const made = reading.value.create(context);
  if (made instanceof Promise) throw new Error(`${definition.type} is loaded first: await it`);
  return made;
}

/** What is wrong with a config: `path: message`, one an entry. */
export function mistakes<C, T>(definition: Readable<C, T>, raw: unknown): readonly string[] {
  const reading = definition.read(raw);
  return reading.ok ? [] : reading.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

/** A view that stands on one line in the middle of a larger buffer, as in life. */
export function viewOf(line: string | Buffer, eventTimeMs = 1_700_000_000_000): EventView {
  const bytes = Buffer.from(line);
  const view = new EventView();
  view.reset(
    Buffer.concat([Buffer.from("line before\n"), bytes, Buffer.from("\nline behind")]),
    12,
    12 + bytes.length,
    eventTimeMs,
  );
  return view;
}
