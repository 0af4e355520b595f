import { expect, test } from "bun:test";
import { codes } from "../shared/errors/codes.ts";
import { renderCentralReference } from "./reference.ts";
import { TestApi } from "./testing/api.ts";
import { testRecord } from "./testing/records.ts";

const reference = renderCentralReference(Object.values(codes));

test("the reference lists every metric that the page has, every route and every code of central", async () => {
  await using api = new TestApi();
  await api.put([testRecord({ offset: 0 })]);
  const page = await (await api.request("/metrics")).text();
  const names = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `| \`${name}\` | ${type} |`);
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) expect(reference).toContain(name);
  for (const { path, method } of api.api.routes) {
    if (method === "GET" && path !== "/api/v1/openapi.json") {
      expect(reference).toContain(`\`GET ${path.replaceAll(/:(\w+)/g, "{$1}")}\``);
    }
  }
  for (const code of Object.keys(codes))
    if (code.startsWith("CENTRAL_")) expect(reference).toContain(`| \`${code}\` |`);
});

test("keys inside lists and objects are listed with their variables", () => {
  expect(reference).toContain("| `kafka.sasl.username` | `KAFKA_SASL_USERNAME` |");
  expect(reference).toContain("| `apiKeys[].sha256` |");
});
