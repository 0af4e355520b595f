import { expect, test } from "bun:test";
import { SQL } from "bun";
import { clientOptions } from "./address.ts";
import { storeFailure } from "./failure.ts";

const words = { applicationName: "a test", connections: 1, bounds: { lockMs: 1, statementMs: 2, idleMs: 3 } };

test("every part of an address reaches the client, whatever its characters", () => {
  const options = clientOptions("postgres://g%40w:p%40ss%2Fw%3Ard@db.example:6432/my%20fleet?sslmode=require", words);
  expect(options).toMatchObject({
    hostname: "db.example",
    port: 6432,
    username: "g@w",
    password: "p@ss/w:rd",
    database: "my fleet",
    connection: { lock_timeout: 1, statement_timeout: 2, idle_in_transaction_session_timeout: 3 },
  });
});

test("an address that names no database is refused, and not repeated: it may hold a password", () => {
  for (const wrong of [
    "postgres://gw:secret@db",
    "postgres://gw:secret@db/",
    "postgres:///fleet",
    "postgres://gw:se cret@:x/y/z",
  ]) {
    expect(() => clientOptions(wrong, words)).toThrow("write `store` as");
    expect(() => clientOptions(wrong, words)).not.toThrow("secret");
  }
});

/** As the client gives it when the server says so. */
const told = (errno: string) =>
  new SQL.PostgresError("the server's words", { code: "ERR_POSTGRES_SERVER_ERROR", errno });

test.each([
  "57P01",
  "57P03",
  "53100",
  "53200",
  "53300",
  "25006",
  "55P03",
  "57014",
  "28P01",
  "3D000",
  "42501",
  "XX000",
  "58030",
])("%s: the store is away", (state) => {
  expect(storeFailure("store", told(state)).code).toBe("CENTRAL_STORE_UNAVAILABLE");
});

test.each(["22021", "22P05", "22003", "23505", "54000"])("%s: the record is at fault", (state) => {
  expect(storeFailure("store", told(state)).code).toBe("CENTRAL_RECORD_POISON");
});

test("a connection that is refused or breaks has no state: the store is away", () => {
  const broken = new SQL.PostgresError("Connection closed", { code: "ERR_POSTGRES_CONNECTION_CLOSED" });
  expect(storeFailure("store", broken).code).toBe("CENTRAL_STORE_UNAVAILABLE");
});

test("a word for TLS that the client does not know is a mistake of the config, not of ours", () => {
  expect(() => clientOptions("postgres://gw@db/fleet?sslmode=bogus", words)).toThrow(
    expect.objectContaining({ code: "CONFIG_INVALID", message: expect.stringContaining("write one of disable") }),
  );
});
