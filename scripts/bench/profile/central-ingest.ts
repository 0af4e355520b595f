/**
 * The centre's writing half on the main thread, for `profile.ts` alone: JavaScript's profiler does not see workers.
 * Configured by the environment as the centre is; says `first` and `all` when so many events are stored.
 *
 *     KAFKA_BROKERS=… TAILGATE_TOPICS=… bun scripts/bench/profile/central-ingest.ts EVENTS
 */
import { loadConfig } from "../../../central/config/load.ts";
import { startIngest } from "../../../central/ingest/service.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { createLog } from "../../../shared/telemetry/log.ts";

const lookEveryMs = 5;
const events = Number(process.argv[2]);
const config = loadConfig({ file: undefined, environment: process.env });
const report = createLog({ ...config.log, clock: systemClock, write: (line) => process.stderr.write(`${line}\n`) });
const stopping = new AbortController();
const service = await startIngest(config, report, fail, stopping.signal);
let said = 0;
const looking = setInterval(() => {
  const { stored } = service.snapshot().counters;
  if (said === 0 && stored > 0) said = say("first");
  if (said === 1 && stored >= events) said = 1 + say("all");
}, lookEveryMs);
process.once("SIGTERM", async () => {
  clearInterval(looking);
  await service.stop();
  process.exit(0);
});

function say(word: string): number {
  console.log(word);
  return 1;
}

function fail(thrown: unknown): void {
  console.error(messageOf(thrown));
  process.exit(1);
}
