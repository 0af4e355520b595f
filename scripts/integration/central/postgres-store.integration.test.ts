/** The contract of the stores, with a real PostgreSQL. */
import { afterAll, beforeAll, setDefaultTimeout } from "bun:test";
import type { SQL } from "bun";
import { PostgresReader } from "../../../central/store/postgres/reader.ts";
import { PostgresStore } from "../../../central/store/postgres/store.ts";
import { everyStoreContract } from "../../../central/testing/contracts/every.contract.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { PostgresServer } from "../../drivers/storage/postgres-server.ts";

// A machine that does other things too: what is tried here is whether it is right, not how fast.
setDefaultTimeout(60_000);

let server: PostgresServer;
let admin: SQL;
let address: string;

beforeAll(async () => {
  server = await PostgresServer.start({ settings: ["fsync=off"] });
  const database = await server.createDatabase();
  address = server.address(database);
  admin = server.connect(database);
}, 120_000);

afterAll(async () => {
  await admin.close();
  await server[Symbol.asyncDispose]();
});

everyStoreContract("postgres", async () => {
  await admin.unsafe("drop schema if exists tailgate cascade");
  const another = () => new PostgresStore({ address, clock: systemClock, report: silent });
  const store = another();
  await store.probe();
  const reader = new PostgresReader(address);
  return {
    store,
    reader,
    another,
    settle: async () => {},
    [Symbol.asyncDispose]: async () => {
      await reader.close();
      await store.close();
    },
  };
});
