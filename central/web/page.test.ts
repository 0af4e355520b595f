import { expect, test } from "bun:test";
import { TestApi, testKey } from "../testing/api.ts";
import { loadPage } from "./page.ts";

test("the page loads its own files and nothing from elsewhere, and has no script or style inside", async () => {
  await using api = new TestApi({ keys: [testKey("a-key-of-some-length")] });
  const response = await api.request("/");
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  expect(policy).toStartWith(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'",
  );
  expect(policy).toContain("require-trusted-types-for 'script'");
  expect(policy).not.toContain("unsafe");
  const html = await response.text();
  expect(html).toContain("<title>Tailgate central</title>");
  expect(html).not.toMatch(/<style|<script>| style="| on\w+="/);
  const files = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path ?? "");
  expect(files).toHaveLength(3);
  for (const path of files) {
    const file = await api.request(path);
    expect([path, file.status]).toEqual([path, 200]);
    expect(file.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    expect(file.headers.get("Content-Type")).toMatch(/^(text\/javascript|text\/css|image\/svg)/);
  }
});

test("a browser that has the page is told so, and asks each time", async () => {
  await using api = new TestApi();
  const { headers } = await api.request("/");
  expect(headers.get("Cache-Control")).toBe("no-cache");
  const again = await api.request("/", { "If-None-Match": headers.get("ETag") ?? "" });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  expect((await api.request("/", { "If-None-Match": '"other"' })).status).toBe(200);
});

test("a file of another version is a problem in words", async () => {
  await using api = new TestApi();
  const response = await api.request("/assets/page-0123456789abcdef.js");
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({ hint: "Load the page anew." });
});

test("the program is small: a page on a phone's link", async () => {
  const { assets } = await loadPage();
  const bytes = [...assets.values()].reduce((sum, { text }) => sum + Bun.gzipSync(Buffer.from(text)).length, 0);
  expect(bytes).toBeLessThan(60_000);
});
