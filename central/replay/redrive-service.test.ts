import { expect, test } from "bun:test";
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { lastMark } from "../records/record-slices.ts";
import type { Redriven, RedriveStore } from "../store/redrive-port.ts";
import { SqliteReader } from "../store/sqlite/reader.ts";
import { SqliteStore } from "../store/sqlite/store.ts";
import type { Position } from "../store/store.ts";
import { slicesOf, testRecord } from "../testing/records.ts";
import { RedriveService } from "./redrive-service.ts";

const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => testRecord({ offset: from + index }));

class Ground implements AsyncDisposable {
  private readonly dir = tempDir("tailgate-redrive-");
  readonly path = this.dir.file("central.db");
  readonly store = new SqliteStore({ path: this.path, clock: systemClock, report: silent });
  readonly reader = new SqliteReader(this.path);

  async aside(count: number): Promise<void> {
    await this.store.quarantine("gw1", true);
    let seen: Position | undefined;
    // Of one append only the first are kept with their bytes.
    for (let from = 0; from < count; from += 40) {
      const next = Math.min(count, from + 40);
      const records = slicesOf(range(from, next));
      const at = { topic: "drive", partition: 0, seen, next, before: lastMark(records), records };
      seen = (await this.store.append({ ...at, dead: [], damaged: [], gap: undefined })).position;
    }
    await this.store.quarantine("gw1", false);
  }

  service(redrives: RedriveStore): RedriveService {
    const fatal = (thrown: unknown) => {
      throw thrown;
    };
    return new RedriveService({ redrives, clock: systemClock, report: silent, fatal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.close();
    await this.store.close();
    this.dir[Symbol.dispose]();
  }
}

const done = (on: Ground, id: number) =>
  until("the redrive is done", async () => (await on.reader.redrives.job(id))?.state === "done");

test("letters that the store itself can never take stay alone; all others are taken", async () => {
  await using on = new Ground();
  await on.aside(120);
  const poison = new Set([3, 50, 51, 119]);
  const isPoison = ({ row, records }: Redriven) => records.length > 0 && poison.has(row.firstOffset);
  const { redrives } = on.store;
  const service = on.service({
    ...redrives,
    step: async (step) => {
      if (step.letters.some(isPoison)) throw new AppError("CENTRAL_RECORD_POISON", "store a record");
      return await redrives.step(step);
    },
  });
  service.start();
  await done(on, await service.beginRedrive({}, "somebody"));
  await service.stop();
  expect((await on.reader.redrives.job(1))?.counts).toMatchObject({ tried: 120, stored: 116, stayed: 4 });
  const left = await on.reader.deadLetters({ afterId: 0, limit: 99 });
  expect(left.map(({ firstOffset }) => firstOffset)).toEqual([...poison]);
});

test("a store that is away holds a job up; it goes on by itself, and counts nothing twice", async () => {
  await using on = new Ground();
  await on.aside(120);
  const { redrives } = on.store;
  let failures = 0;
  const service = on.service({
    ...redrives,
    step: async (step) => {
      // The answer of a step that was done is lost: nobody may try its letters again for that.
      const state = await redrives.step(step);
      if (failures++ < 1) throw new AppError("CENTRAL_STORE_UNAVAILABLE", "store records");
      return state;
    },
  });
  service.start();
  await done(on, await service.beginRedrive({}, "somebody"));
  await service.stop();
  expect((await on.reader.redrives.job(1))?.counts).toMatchObject({ tried: 120, stored: 120 });
});

test("another process goes on where one has stopped", async () => {
  await using on = new Ground();
  await on.aside(120);
  const { redrives } = on.store;
  const first = on.service({
    ...redrives,
    step: async (step) => {
      const state = await redrives.step({ ...step, leaseMs: 0 });
      void first.stop();
      return state;
    },
  });
  const id = await first.beginRedrive({}, "somebody");
  first.start();
  await until("a step is done", async () => ((await on.reader.redrives.job(id))?.counts.tried ?? 0) > 0);
  await first.stop();
  expect((await on.reader.redrives.job(id))?.counts.tried).toBeLessThan(120);
  const second = on.service(redrives);
  second.start();
  await done(on, id);
  await second.stop();
  expect((await on.reader.redrives.job(id))?.counts).toMatchObject({ tried: 120, stored: 120 });
});
