import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { ourHosts } from "./our-host.ts";

test("addresses, localhost, this machine's name and what is allowed are ours, with a port or without", () => {
  const isOurs = ourHosts(["central.example.com"]);
  const names = [
    "127.0.0.1:8080",
    "[::1]:8080",
    "10.0.0.7",
    "localhost",
    "LOCALHOST:80",
    "app.localhost",
    "localhost.",
  ];
  for (const host of [...names, `${hostname()}:8080`, "Central.Example.com", undefined])
    expect(isOurs(host)).toBe(true);
});

test("a name that somebody else has made to point here is not", () => {
  const isOurs = ourHosts([]);
  const names = [
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "1.2.3.4.nip.io",
    "",
    "[::1",
    "xlocalhost",
  ];
  for (const host of names) expect(isOurs(host)).toBe(false);
});
