/** A store that cannot be written to when central starts, on a real read-only mount and with real permissions. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, chownSync, copyFileSync } from "node:fs";
import { until } from "../../../shared/testing/until.ts";
import { launchCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { centralGround, clean } from "./ground.ts";

let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

const ends = ["", "-wal", "-shm"];
const nobody = 65_534;
const asNobody = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];

function mount(...words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["mount", ...words]);
  if (exitCode !== 0) throw new Error(`mount ${words.join(" ")}: ${stderr.toString()}`);
}

/** Takes the right to write away, and gives it back. Needs root. */
const ways = {
  "a read-only mount": {
    prepare: (folder: string) => mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", folder),
    writable: (folder: string, on: boolean) => mount("-o", `remount,${on ? "rw" : "ro"}`, folder),
    end: (folder: string) => void Bun.spawnSync(["umount", "-l", folder]),
    wrap: (command: readonly string[]) => command,
  },
  "files that belong to somebody who may only read them": {
    prepare: () => {},
    writable: (folder: string, on: boolean) => {
      chmodSync(folder, on ? 0o777 : 0o555);
      for (const end of ends) chmodSync(`${folder}/central.db${end}`, on ? 0o666 : 0o444);
    },
    end: () => {},
    wrap: (command: readonly string[]) => [...asNobody, ...command],
  },
};

test.each(Object.entries(ways))(
  "a store on %s at the start, after a crash: it can be read, it says that nothing is stored, and goes on by itself",
  async (_, { prepare, writable, end, wrap }) => {
    await using on = await centralGround(broker, 2);
    const folder = on.dir.path;
    prepare(folder);
    try {
      await on.producer.send(100);
      await using first = await on.start();
      await first.stored(100);
      // What a kill -9 leaves: the write-ahead log and its shared memory are there, and a reader may open them. Frozen,
      // because three files that are copied while somebody writes are of three moments.
      first.freeze();
      for (const name of ends) copyFileSync(`${on.store}${name}`, `${on.store}${name}.kept`);
      first.thaw();
      await first.child.stop();
      for (const name of ends) copyFileSync(`${on.store}${name}.kept`, `${on.store}${name}`);
      for (const name of ends) chownSync(`${on.store}${name}`, nobody, nobody);
      chownSync(folder, nobody, nobody);
      writable(folder, false);
      await on.producer.send(100);
      const { topic, store } = on;
      await using second = await launchCentral({
        brokers: broker.address,
        topics: [topic],
        group: topic,
        store,
        wrap,
      });
      await until(
        "the reader to answer",
        () => second.status(),
        ({ stored }) => stored === 100,
      );
      await Bun.sleep(1_000);
      expect(await second.status()).toMatchObject({ storeAvailable: false });
      expect((await fetch(`${second.url}/readyz`)).status).toBe(503);
      writable(folder, true);
      await second.wait("what came meanwhile to be stored", async () => (await second.status()).stored === 200);
      expect(await second.status()).toMatchObject({ stored: 200, ...clean });
      await until(
        "to be ready",
        () => fetch(`${second.url}/readyz`),
        ({ status }) => status === 200,
      );
      await second.child.stop();
      expect(storeSums(store)).toEqual({ events: 200, counted: 200, received: 200 });
    } finally {
      end(folder);
    }
  },
  60_000,
);
