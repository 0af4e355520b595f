import { expect, test } from "bun:test";
import { chmodSync, existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../main.ts");
const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Central by hand, with the umask that shells have; until it serves. */
async function started(store: string): Promise<Child> {
  const port = await freePort();
  const words = ["sh", "-c", 'umask 022; exec "$0" "$@"', process.execPath, main];
  const env = { KAFKA_BROKERS: "", TAILGATE_STORE: store, TAILGATE_LISTEN: `127.0.0.1:${port}` };
  const child = startChild({ name: "central", command: words, env });
  await until("central to serve", async () => (await fetch(`http://127.0.0.1:${port}/livez`)).ok);
  await until("the store to be open", () => existsSync(`${store}-wal`));
  return child;
}

test("the store is its owner's, whoever starts central; one that everybody could read is taken back, and that is said", async () => {
  using dir = tempDir();
  const store = dir.file("store/central.db");
  {
    await using child = await started(store);
    expect([mode(dir.file("store")), mode(store), mode(`${store}-wal`)]).toEqual(["700", "600", "600"]);
    await child.stop();
  }
  chmodSync(store, 0o644);
  await using child = await started(store);
  // A reader may open it before the writer does, who takes it back.
  await until("it to be said", () => child.stderr.includes("store_mode_repaired"));
  expect(mode(store)).toBe("640");
  await child.stop();
}, 60_000);
