import { expect, spyOn, test } from "bun:test";
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { systemRandom } from "../../shared/random/random.ts";
import type { Signal } from "../../shared/telemetry/log.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { codes } from "./codes.ts";
import { LakeWriter, type LakeWriterOptions } from "./writer.ts";

/** A writer of a lake of its own, what it said, and its end. */
function running(dir: string, options: Partial<LakeWriterOptions>) {
  const said: string[] = [];
  const source = {
    look: async () => ({ partitions: [], ids: new Map<string, string>() }),
    range: async () => ({ next: 0, end: 0 }),
    isCut: () => false,
    read: async () => undefined,
  };
  const config = {
    directory: dir,
    commitEvery: 60_000,
    buckets: 4,
    keepFree: 0,
    keepSnapshots: 3_600_000,
    retention: undefined,
  };
  const report = (signal: Signal) => void said.push(signal.name);
  const writer = new LakeWriter({
    config,
    source,
    erased: undefined,
    clock: systemClock,
    random: systemRandom,
    report,
    ...options,
  });
  const stopping = new AbortController();
  const ended = writer.run(stopping.signal);
  return {
    writer,
    said,
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

const away = () => new AppError("CENTRAL_STORE_UNAVAILABLE", "use the store: an empty file stands in its place");

test("a store that is being made when the lake starts is waited for without an alarm; one that stays away is said", async () => {
  using dir = tempDir();
  let tries = 0;
  const erased = async () => {
    if (++tries < 3) throw away();
    return [];
  };
  const passing = running(dir.file("first"), { erased });
  await until("it to write", () => passing.writer.snapshot.state === "writing");
  await passing.stop();
  expect(passing.said).not.toContain("lake_waits");
  expect(passing.writer.snapshot.failures).toBe(2);

  const lasting = running(dir.file("second"), { erased: () => Promise.reject(away()) });
  await until("the word", () => lasting.said.includes("lake_waits"));
  expect(lasting.writer.snapshot).toMatchObject({ state: "waiting", code: "CENTRAL_STORE_UNAVAILABLE" });
  await lasting.stop();
}, 30_000);

test("a connection that a stop closes is no trouble of the lake", async () => {
  using dir = tempDir();
  const answer = Promise.withResolvers<never>();
  const look = spyOn({ look: () => answer.promise }, "look");
  const source = { look, range: async () => ({ next: 0, end: 0 }), isCut: () => false, read: async () => undefined };
  const asked = running(dir.path, { source });
  await until("Kafka to be asked", () => look.mock.calls.length > 0);
  const stopped = asked.stop();
  answer.reject(new AppError(codes.CENTRAL_LAKE_KAFKA, "read the log: the client is closed"));
  await stopped;
  expect(asked.writer.snapshot.trouble).toBeUndefined();
  expect(asked.said).not.toContain("lake_waits");
});
