import { sleep } from "../../shared/async/sleep.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { until } from "../../shared/testing/until.ts";
import { checkBooks } from "./books.ts";
import { codes } from "./codes.ts";
import type { PilotHome } from "./home.ts";
import type { CentralNumbers, Numbers } from "./numbers.ts";
import type { Pilot } from "./pilot.ts";

/** What the demo acts upon. */
export interface DemoOptions {
  readonly pilot: Pilot;
  readonly place: PilotHome;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  /** How long the broker, or by relay the centre, is away. */
  readonly outageMs: number;
}

/**
 * The story: Kafka goes away (by relay: the centre is killed with -9), the edge's backlog grows, the rotated logs are
 * deleted, the edge is killed with -9 and started again, Kafka comes back, the backlog drains. The cars drive on all the time.
 */
export async function playOutage({ pilot, say, signal, outageMs }: DemoOptions): Promise<void> {
  const reach = (what: string, accept: (numbers: Numbers) => boolean) => reachNumbers(pilot, signal, what, accept);

  await reach("lines to be stored", ({ central }) => (central?.stored ?? 0) > 0);
  if (pilot.way === "relay") {
    await pilot.killCentral();
    say("» the centre is killed with -9");
  } else if (pilot.ownsBroker) {
    say("» Kafka is stopped");
    await pilot.stopBroker();
  } else {
    say("» Kafka is not ours (KAFKA_BROKERS): it stays up");
  }
  await sleep(outageMs / 2, signal);

  const { written } = await pilot.numbers();
  await reach("the edge to have read what was written so far", ({ edge }) => (edge?.read ?? 0) >= written);
  say(`» the rotated log files are deleted (${pilot.deleteRotatedLogs()}): only the edge has those lines now`);
  await pilot.killEdge();
  say("» the edge is killed with -9");
  await sleep(outageMs / 4, signal);
  await pilot.startEdge();
  say("» the edge is started again");
  await reach("the edge to answer", ({ edge }) => edge !== undefined);
  await sleep(outageMs / 4, signal);

  if (pilot.way === "relay" && !signal.aborted) {
    pilot.startCentral();
    say("» the centre is started again: the backlog drains");
  } else if (pilot.ownsBroker && !signal.aborted) {
    await pilot.startBroker();
    say("» Kafka is back: the backlog drains");
  }
  await reach("the backlog to drain", ({ edge, central }) => edge?.backlog === 0 && isRead(pilot, central));
}

/**
 * The cars stop, all that is on its way arrives, and an independent check counts every line.
 *
 * @returns whether missing and repeated are 0 everywhere.
 */
export async function balanceBooks({ pilot, place, say, signal }: DemoOptions): Promise<boolean> {
  say("» the cars stop; every line is counted");
  await pilot.stopSimulator();
  const arrived = ({ written, writtenStatus, edge, central }: Numbers) =>
    edge !== undefined &&
    central !== undefined &&
    edge.read >= written &&
    edge.backlog === 0 &&
    isRead(pilot, central) &&
    central.stored >= written &&
    edge.batchSent >= writtenStatus;
  await reachNumbers(pilot, signal, "all lines to arrive", arrived);
  const { brokerAddress, url, ways } = pilot;
  const ok = await checkBooks({ place, brokerAddress, ways, url, say });
  const { central } = await pilot.numbers();
  if (central === undefined) return false;
  const { stored, missing, repeated } = central;
  if (ways.includes("relay")) {
    // What was sent and not answered when an end was killed comes again; the store has it once, as was just counted.
    say(`central says: stored ${stored}, missing ${missing}, sent again and stored once ${repeated}`);
    return ok && missing === 0;
  }
  say(`central says: stored ${stored}, missing ${missing}, repeated ${repeated}`);
  return ok && missing === 0 && repeated === 0;
}

/** Nothing waits in a topic; by relay there is none. */
function isRead({ way }: Pilot, central: CentralNumbers | undefined): boolean {
  return central !== undefined && (way === "relay" || central.lag === 0);
}

/** Waits for numbers; gives up at once when a part has ended by itself. */
async function reachNumbers(
  pilot: Pilot,
  signal: AbortSignal,
  what: string,
  accept: (numbers: Numbers) => boolean,
): Promise<void> {
  const done = (numbers: Numbers) => signal.aborted || pilot.broken !== undefined || accept(numbers);
  await until(what, () => pilot.numbers(), done, { withinMs: 120_000, everyMs: 100 });
  if (pilot.broken !== undefined) throw new AppError(codes.START_FAILED, `wait for ${what}: ${pilot.broken}`);
}
