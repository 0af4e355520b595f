import { expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { TestApi, testKey } from "../testing/api.ts";
import { RateLimit } from "./rate-limit.ts";

test("a key may burst for two seconds' worth, and goes on at its rate", () => {
  const clock = new VirtualClock(0);
  const limit = new RateLimit(10, clock);
  const answered = () => {
    let count = 0;
    try {
      for (; count < 1_000; count++) limit.spend("one", "/");
    } catch {
      // Refused: that is the answer.
    }
    return count;
  };
  expect(answered()).toBe(20);
  expect(answered()).toBe(0);
  clock.advance(500);
  expect(answered()).toBe(5);
  limit.spend("another", "/");
});

test("one too many is a problem that says when to come back; other keys and health are answered", async () => {
  const keys = [testKey("a-key-of-some-length"), testKey("another-key-of-length", ["read"], "another")];
  await using api = new TestApi({ keys, requestsPerSecond: 2 });
  const ask = (key: string) => api.request("/api/v1/openapi.json", { Authorization: `Bearer ${key}` });
  for (let count = 0; count < 4; count++) expect((await ask("a-key-of-some-length")).status).toBe(200);
  const refused = await ask("a-key-of-some-length");
  expect([refused.status, refused.headers.get("Retry-After")]).toEqual([429, "1"]);
  expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
  expect(await refused.json()).toMatchObject({ code: "CENTRAL_RATE_LIMITED", detail: expect.stringContaining("test") });
  expect((await ask("another-key-of-length")).status).toBe(200);
  expect((await api.request("/livez")).status).toBe(200);
  api.clock.advance(500);
  expect((await ask("a-key-of-some-length")).status).toBe(200);
});
