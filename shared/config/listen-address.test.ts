import { describe, expect, test } from "bun:test";
import { isLocal, parseListenAddress, showAddress } from "./listen-address.ts";

describe("an address to listen on", () => {
  test.each([
    ["127.0.0.1:5140", { kind: "tcp", host: "127.0.0.1", port: 5140 }, true],
    ["localhost:0", { kind: "tcp", host: "localhost", port: 0 }, true],
    ["[::1]:80", { kind: "tcp", host: "::1", port: 80 }, true],
    ["0.0.0.0:514", { kind: "tcp", host: "0.0.0.0", port: 514 }, false],
    ["[::]:514", { kind: "tcp", host: "::", port: 514 }, false],
    ["/run/tailgate/in.sock", { kind: "unix", path: "/run/tailgate/in.sock" }, true],
  ] as const)("is read from %s, and shown as it was written", (written, address, local) => {
    const read = parseListenAddress(written);
    expect(read).toEqual(address);
    expect(showAddress(address)).toBe(written);
    expect(isLocal(address)).toBe(local);
  });

  test.each(["", "5140", ":5140", "host:", "host:70000", "::1:80", "a b:1", "http://a:1", "run/x.sock"])(
    "is not read from %p",
    (written) => {
      expect(parseListenAddress(written)).toContain("is not an address");
    },
  );

  test("of a Unix socket must fit into the kernel's field", () => {
    expect(parseListenAddress(`/${"x".repeat(106)}`)).toMatchObject({ kind: "unix" });
    expect(parseListenAddress(`/${"x".repeat(107)}`)).toContain("at most 107 bytes");
  });
});
