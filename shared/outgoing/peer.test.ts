import { expect, test } from "bun:test";
import { tlsOptions } from "./peer.ts";

test("TLS is told a server's name, and none where the config has its address: no server is called by one", () => {
  expect(tlsOptions({ host: "logs.example", tls: {} })).toEqual({ servername: "logs.example" });
  for (const host of ["127.0.0.1", "::1"]) {
    expect(tlsOptions({ host, tls: {} })).toEqual({});
    expect(tlsOptions({ host, tls: { serverName: "logs.example" } })).toEqual({ servername: "logs.example" });
  }
});
