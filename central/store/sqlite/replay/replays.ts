/** The SQLite store's side of the port of replay: a transaction a call. */
import type Database from "better-sqlite3";
import type { Clock } from "../../../../shared/clock/clock.ts";
import type { ReplayStore } from "../../replay-port.ts";
import { Erasure } from "./erasure.ts";
import type { ReplaySession } from "./session.ts";

/** What a connection has for it. */
export interface ReplayConnection {
  readonly database: Database.Database;
  readonly replays: ReplaySession;
}

/** How a transaction of the store is made, and what follows one that has stored events. */
export interface ReplayTools {
  readonly clock: Clock;
  readonly transaction: <T>(doing: string, work: (session: ReplayConnection) => T) => T;
  /** Outside of any transaction. */
  readonly database: () => Database.Database;
  readonly foldWhenDue: () => void;
}

/** Made once for the store. */
export function sqliteReplays({ clock, transaction, database, foldWhenDue }: ReplayTools): ReplayStore {
  const folding = <T>(result: T): T => {
    foldWhenDue();
    return result;
  };
  return {
    createReplay: async (definition, by) =>
      transaction("make a replay", ({ replays }) => replays.jobs.create(definition, by, clock.now())),
    turnReplay: async (id, turn) =>
      transaction(`${turn} a replay`, ({ replays }) => replays.jobs.turn(id, turn, clock.now())),
    takeReplays: async (owner, leaseMs, max) =>
      transaction("take replays", ({ replays }) => replays.jobs.take(owner, { nowMs: clock.now(), leaseMs }, max)),
    reportReplay: async (report) =>
      transaction("report of a replay", ({ replays }) => replays.jobs.report(report, clock.now())),
    backfill: async (backfill) =>
      folding(transaction("put records back", ({ replays }) => replays.backfill(backfill, clock.now()))),
    storedTopics: async () => transaction("list topics", ({ replays }) => replays.topics()),
    erase: async (vehicle, by) => {
      const erasure = new Erasure(database());
      const step = erasure.overwriting(() =>
        transaction("erase a vehicle", () => erasure.step(vehicle, by, clock.now())),
      );
      // Until then the log still holds the pages as they were.
      if (step.done) database().pragma("wal_checkpoint(TRUNCATE)");
      return step;
    },
    unfinishedErasures: async () =>
      transaction("look for erasures", (session) => new Erasure(session.database).unfinished()),
    unsuppress: async (vehicle) =>
      transaction("end a suppression", (session) => new Erasure(session.database).unsuppress(vehicle)),
  };
}
