/** The SQLite store's side of the port of redrive: a transaction a call. */
import type { RedriveStore } from "../../redrive-port.ts";
import type { ReplayTools } from "./replays.ts";

/** Made once for the store. */
export function sqliteRedrives({ clock, transaction, foldWhenDue }: ReplayTools): RedriveStore {
  const folding = <T>(result: T): T => {
    foldWhenDue();
    return result;
  };
  return {
    lettersOf: async (ids) => transaction("choose dead letters", ({ replays }) => replays.redrives.letters.named(ids)),
    redrive: async (letters) =>
      folding(transaction("redrive dead letters", ({ replays }) => replays.redrive(letters, clock.now()))),
    begin: async (choice, by) =>
      transaction("begin a redrive", ({ replays }) => replays.redrives.begin(choice, by, clock.now())),
    cancel: async (id) => transaction("cancel a redrive", ({ replays }) => replays.redrives.cancel(id, clock.now())),
    take: async (owner, leaseMs) =>
      transaction("take a redrive", ({ replays }) => replays.redrives.take(owner, clock.now(), leaseMs)),
    lettersAfter: async ({ choice, untilId }, afterId, limit) =>
      transaction("choose dead letters", ({ replays }) =>
        replays.redrives.letters.kept(choice, afterId, untilId, limit),
      ),
    step: async (step) =>
      folding(
        transaction("redrive dead letters", ({ replays }) => {
          const job = replays.redrives.owned(step.job, step.owner);
          if (job.state !== "running") return job.state;
          const done = replays.redrive(step.letters, clock.now());
          return replays.redrives.progress(step, job, done, clock.now());
        }),
      ),
  };
}
