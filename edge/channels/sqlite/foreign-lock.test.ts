/** Another program (a sqlite3 shell, a backup) holds the channel file. */
import { expect, test } from "bun:test";
import Database from "better-sqlite3";
import { AppError } from "../../../shared/errors/app-error.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { drain, makeBatch, spec } from "../../testing/contracts/batches.ts";
import { nothing, open } from "./testing/open.ts";

/** What a call fails with. */
function errorOf(work: () => unknown): AppError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof AppError) return thrown;
    throw thrown;
  }
  throw new Error("it did not fail");
}

const isLocked = { code: "EDGE_CHANNEL_BUSY", severity: "transient" };

test("a commit while another program writes says who is in the way, not that the disk is broken, and goes on after it", () => {
  using dir = tempDir();
  const store = open(dir);
  const channel = store.channel("main");
  const lane = channel.createLane(spec);
  const other = new Database(dir.file("channel.db"));
  other.exec("begin immediate");
  const error = errorOf(() => store.commit({ ...nothing, batches: [makeBatch(lane, 0, 7)] }));
  expect(error).toMatchObject(isLocked);
  expect(error.hint).toContain("Another program has the channel file locked");
  expect(error.hint).not.toContain("dmesg");
  other.exec("rollback");
  other.close();
  store.commit({ ...nothing, batches: [makeBatch(lane, 0, 7)] });
  expect(drain(channel.reader(lane))).toHaveLength(1);
  store.close();
});

test("a start while another program writes says the same, and the next start goes on", () => {
  using dir = tempDir();
  open(dir).close();
  const other = new Database(dir.file("channel.db"));
  other.exec("begin exclusive");
  const error = errorOf(() => open(dir));
  expect(error).toMatchObject(isLocked);
  expect(error.hint).not.toContain("dmesg");
  other.exec("rollback");
  other.close();
  open(dir).close();
}, 30_000);
