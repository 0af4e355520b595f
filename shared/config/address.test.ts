import { expect, test } from "bun:test";
import { address, formatAddress, isLoopback, readAddress } from "./address.ts";

test.each([
  ["kafka-1:9092", "kafka-1", 9092],
  ["127.0.0.1:0", "127.0.0.1", 0],
  ["[::1]:65535", "::1", 65_535],
  ["[fe80::1%eth0]:80", "fe80::1%eth0", 80],
])("%s is an address, and is written so again", (text, host, port) => {
  expect(readAddress(text)).toEqual({ host, port });
  expect(formatAddress({ host, port })).toBe(text);
});

test.each(["kafka-1", "kafka-1:", ":9092", "a:65536", "::1:80", "[::1]", "a b:1", "http://a:1", "a:1:2", ""])(
  "%s is none",
  (text) => {
    expect(readAddress(text)).toBeUndefined();
    const parsed = address("127.0.0.1:80").safeParse(text);
    expect(parsed.error?.issues[0]?.message).toContain('write "host:port", as in "127.0.0.1:80"');
  },
);

test("loopback is what only this machine can reach", () => {
  expect(["localhost", "::1", "127.0.0.1", "127.8.9.1"].every((host) => isLoopback({ host }))).toBe(true);
  expect(["0.0.0.0", "::", "10.0.0.1", "127.evil.org"].some((host) => isLoopback({ host }))).toBe(false);
});
