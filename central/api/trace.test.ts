import { expect, test } from "bun:test";
import type { Report } from "../../shared/telemetry/log.ts";
import { TestApi, testKey } from "../testing/api.ts";
import { traceIdOf } from "./trace.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";

test.each([
  [`00-${trace}-00f067aa0ba902b7-01`, trace],
  [`01-${trace}-00f067aa0ba902b7-01-more`, trace],
  [`00-${trace}-00f067aa0ba902b7-01-more`, undefined],
  [`ff-${trace}-00f067aa0ba902b7-01`, undefined],
  [`00-${"0".repeat(32)}-00f067aa0ba902b7-01`, undefined],
  [`00-${trace}-${"0".repeat(16)}-01`, undefined],
  [`00-${trace.toUpperCase()}-00f067aa0ba902b7-01`, undefined],
  ["nonsense", undefined],
  [undefined, undefined],
])("traceparent %s has the trace %s", (text, wanted) => {
  expect(traceIdOf(text)).toBe(wanted);
});

test("the trace of a request is in what the log says of it, and in the problem that is answered", async () => {
  const said: unknown[] = [];
  const report: Report = (signal, fields) => said.push([signal.name, fields?.traceId]);
  await using api = new TestApi({ report, keys: [testKey("a-key-of-some-length")] });
  const answer = await api.request("/api/v1/status", {
    traceparent: `00-${trace}-00f067aa0ba902b7-01`,
    Authorization: "Bearer wrong",
  });
  expect(await answer.json()).toMatchObject({ code: "CENTRAL_UNAUTHORIZED", traceId: trace });
  expect(said).toEqual([
    ["request_refused", trace],
    ["request_answered", trace],
  ]);
});
