import { expect, test } from "bun:test";
import { shownAddress, storeAddress } from "./store-address.ts";

const password = "p@ss/w:rd#1%";

test("the password goes into the address that a store is opened with, whatever its characters", () => {
  const address = storeAddress({ store: "postgres://gw@db:5432/fleet?sslmode=require", storePassword: password });
  const url = new URL(address);
  expect(decodeURIComponent(url.password)).toBe(password);
  expect([url.username, url.host, url.pathname, url.search]).toEqual(["gw", "db:5432", "/fleet", "?sslmode=require"]);
});

test("an address with a password of its own, or a path, stays as it is", () => {
  for (const store of ["postgres://gw:own@db/fleet", "/var/lib/tailgate/central.db", "postgres://db/fleet"]) {
    expect(storeAddress({ store, storePassword: password })).toBe(store);
    expect(storeAddress({ store, storePassword: undefined })).toBe(store);
  }
});

test("what is shown holds no secret", () => {
  expect(shownAddress("postgres://gw:secret@db:5432/fleet?sslmode=require&sslpassword=secret")).toBe(
    "postgres://gw:***@db:5432/fleet?sslmode=require&sslpassword=***",
  );
  expect(shownAddress("postgres://gw:se@cret:x@db/fleet")).toBe("postgres://gw:***@db/fleet");
  expect(shownAddress("postgres://gw@db/fleet")).toBe("postgres://gw@db/fleet");
  expect(shownAddress("/var/lib/tailgate/central.db")).toBe("/var/lib/tailgate/central.db");
});
