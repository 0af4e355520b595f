/**
 * `npm start`: the pilot, end to end, on this machine. Kafka (yours when KAFKA_BROKERS is set; none where it cannot be had:
 * the edge relays straight to the centre then), the centre, the simulator and the compiled edge, with a live view; Ctrl-C ends all of it and nothing else; everything it keeps is in
 * .tailgate/, and the next start goes on where this one was.
 *
 *     npm start                      d: stop Kafka, delete the rotated logs, kill the edge with -9, see it drain
 *     npm start -- --demo            the same by itself, then an independent check; exit code 0 when the books balance
 *     npm start -- --relay           without Kafka; --kafka: not without it
 *     npm start -- --for 60          end after so many seconds
 *     npm start -- --speed 10x --cars 100 --dir .tailgate --config my-edge.yaml
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { sleep } from "../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { askedHelp } from "../../shared/system/asked-help.ts";
import { lackingForKafka, setup } from "../setup/setup.ts";
import { balanceBooks, type DemoOptions, playOutage } from "./demo.ts";
import { openHome } from "./home.ts";
import { Pilot } from "./pilot.ts";
import { View } from "./view.ts";
import { chooseWay } from "./way.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const { values } = parseArgs({
  options: {
    demo: { type: "boolean", default: false },
    for: { type: "string" },
    speed: { type: "string" },
    cars: { type: "string", default: "100" },
    dir: { type: "string", default: join(import.meta.dir, "../..", ".tailgate") },
    outage: { type: "string", default: "20" },
    config: { type: "string" },
    kafka: { type: "boolean", default: false },
    relay: { type: "boolean", default: false },
  },
});

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // The second one does not wait for anybody; what was started is ended on the way out all the same.
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  });
}

/** A number of seconds or times: `60`, `60s`, `10x`. */
function amount(name: string, text: string): number {
  const value = Number(text.replace(/[sx]$/, ""));
  if (Number.isFinite(value) && value > 0) return value;
  throw new AppError("USAGE", `start: --${name} ${text} is not a number above 0`);
}

async function run(): Promise<number> {
  const { signal } = stop;
  const screen = {
    isTerminal: process.stdout.isTTY === true,
    write: (text: string) => void process.stdout.write(text),
  };
  let say = (text: string) => console.log(text);
  const { KAFKA_BROKERS: named } = process.env;
  const brokers = named === "" ? undefined : named;
  const prepare = () => setup(values.demo ? "demo" : "start", say);
  const { kafka, relay } = values;
  const way = await chooseWay({ kafka, relay, brokers, lacking: lackingForKafka(), prepare, say });
  const place = await openHome(resolve(values.dir));
  const speed = amount("speed", values.speed ?? (values.demo ? "10x" : "1x"));
  await using pilot = new Pilot({
    place,
    cars: amount("cars", values.cars),
    speed,
    way,
    ...(brokers === undefined || way === "relay" ? {} : { brokers }),
    ...(values.config === undefined ? {} : { config: resolve(values.config) }),
    say: (text) => say(text),
  });
  await pilot.start();
  const view = new View(screen, pilot.url, "d: an outage and a crash    Ctrl-C: end");
  say = (text) => view.note(text);
  const demo: DemoOptions = { pilot, place, say, signal, outageMs: amount("outage", values.outage) * 1000 };

  const timer = values.for === undefined ? undefined : setTimeout(() => stop.abort(), amount("for", values.for) * 1000);
  const shown = show(pilot, view, signal);
  const keys = listenToKeys(demo);
  let code = 0;
  if (values.demo) {
    await sleep(5_000, signal);
    await playOutage(demo);
    code = (await balanceBooks(demo)) ? 0 : 1;
    stop.abort();
  } else {
    await untilAborted(signal);
    if (pilot.broken !== undefined) code = 1;
  }
  clearTimeout(timer);
  keys();
  await shown;
  say("ending: the edge hands over what it can, the rest waits in its channel for the next start");
  await pilot.stop();
  return code;
}

async function show(pilot: Pilot, view: View, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    view.show(await pilot.numbers(), performance.now());
    if (pilot.broken !== undefined && !values.demo) {
      view.note(pilot.broken);
      stop.abort();
    }
    await sleep(500, signal);
  }
}

/** @returns what puts the terminal back as it was. */
function listenToKeys(demo: DemoOptions): () => void {
  const { stdin } = process;
  if (!stdin.isTTY || values.demo) return () => undefined;
  let playing = false;
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", (bytes: Buffer) => {
    const key = bytes.toString();
    // In raw mode the terminal sends Ctrl-C as a key.
    if (key === "\u0003" || key === "q") stop.abort();
    if (key !== "d" || playing) return;
    playing = true;
    playOutage(demo)
      .catch((thrown: unknown) => demo.say(`the demo went wrong: ${messageOf(thrown)}`))
      .finally(() => {
        playing = false;
      });
  });
  return () => {
    stdin.setRawMode(false);
    stdin.pause();
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

try {
  process.exitCode = await run();
} catch (thrown) {
  console.error(messageOf(thrown));
  if (thrown instanceof AppError) console.error(thrown.hint);
  process.exitCode = 1;
}
// Whatever a library still holds open must not keep the terminal.
process.exit();
