import { createHash } from "node:crypto";
import html from "./page.html" with { type: "text" };

/** The live page; self-contained. */
export const page: string = String(html);

/** It loads nothing from elsewhere, nothing may frame it, and of scripts and styles only its own two run. */
export const pageSecurity = {
  "Content-Security-Policy": [
    "default-src 'none'",
    `style-src ${hashOf("style")}`,
    `script-src ${hashOf("script")}`,
    "connect-src 'self'",
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; "),
  "Referrer-Policy": "no-referrer",
};

/** CSP level 3: a block of the page itself, named by the hash of its text. */
function hashOf(tag: "style" | "script"): string {
  const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1] ?? "";
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
