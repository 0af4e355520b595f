import { describe, expect, test } from "bun:test";
import { formatIdentity, type Identity, parseIdentity } from "./identity.ts";

const record: Identity = {
  agent: "gw-0042",
  epoch: "k3x9q0zt",
  stream: "driving",
  lane: 3,
  kind: "record",
  first: 9_007_199_254_740_991,
  last: 9_007_199_254_740_991,
  reason: undefined,
  eventTimeMs: 1_700_000_000_123,
};

describe("a record's identity", () => {
  test("reads as agent/epoch/stream.lane/seq@eventTime", () => {
    expect(formatIdentity({ ...record, first: 17, last: 17 })).toBe("gw-0042/k3x9q0zt/driving.3/17@1700000000123");
  });

  test("of a marker names the range and the reason", () => {
    const text = formatIdentity({ ...record, kind: "shed", first: 5, last: 900, reason: "overflow" });
    expect(text).toBe("gw-0042/k3x9q0zt/driving.3/5-900!overflow@1700000000123");
  });

  test.each([
    record,
    { ...record, first: 0, last: 0, eventTimeMs: -5 },
    { ...record, kind: "shed" as const, first: 5, last: 900, reason: "ttl" as const },
  ])("comes back as it was written: %p", (identity) => {
    expect(parseIdentity(formatIdentity(identity))).toEqual(identity);
  });

  test.each([
    "",
    "gw/e/s.0/1",
    "gw/e/s/1@2",
    "gw/e/s.0/x@2",
    "gw/e/s.0/9-5!ttl@2",
    "gw/e/s.0/1-5!mood@2",
    "gw/e/s.0/1-5@2",
    "a b/e/s.0/1@2",
    "gw/e/s.0/1@2\n",
  ])("is not read from %p", (text) => {
    expect(parseIdentity(text)).toBeUndefined();
  });
});
