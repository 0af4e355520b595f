import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { TestApi } from "../testing/api.ts";

test("the page loads nothing from elsewhere", async () => {
  await using api = new TestApi();
  const response = await api.request("/");
  expect(response.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  const text = await response.text();
  expect(text).toContain("<title>Tailgate central</title>");
  expect(text.match(/(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
});

test("its policy lets its own script and style run, by their hashes, and nothing else", async () => {
  await using api = new TestApi();
  const response = await api.request("/");
  const policy = response.headers.get("Content-Security-Policy") ?? "";
  const text = await response.text();
  expect(policy).not.toContain("unsafe");
  for (const tag of ["script", "style"]) {
    const blocks = [...text.matchAll(new RegExp(`<${tag}[^>]*>([\\s\\S]*?)</${tag}>`, "g"))];
    expect(blocks).toHaveLength(1);
    const hash = createHash("sha256")
      .update(blocks[0]?.[1] ?? "")
      .digest("base64");
    expect(policy).toContain(`${tag}-src 'sha256-${hash}'`);
  }
  expect(text).not.toMatch(/ style="| on\w+="/);
});
