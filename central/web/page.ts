/**
 * The page as it is served: a frame without data, and three files whose names hold their hash, so that a browser keeps each for
 * ever and never an old one.
 */
import { createHash } from "node:crypto";
import { bundlePage } from "./bundle.ts";

/** A file of the page. */
export interface Asset {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** All that a browser asks for. */
export interface Page {
  readonly html: string;
  /** Changes with the page. */
  readonly etag: string;
  readonly assets: ReadonlyMap<string, Asset>;
}

/** It loads nothing from elsewhere, nothing may frame it, and of scripts and styles only its own two files run. */
export const pageSecurity = {
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
};

let made: Promise<Page> | undefined;

/** Made once for the process. */
export function loadPage(): Promise<Page> {
  made ??= makePage().catch((thrown: unknown) => {
    made = undefined;
    throw thrown;
  });
  return made;
}

async function makePage(): Promise<Page> {
  const { script, style, icon } = await bundlePage();
  const files = {
    script: asset("page", "js", "text/javascript; charset=utf-8", script),
    style: asset("page", "css", "text/css; charset=utf-8", style),
    icon: asset("icon", "svg", "image/svg+xml", icon),
  };
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tailgate central</title>
<link rel="icon" href="/assets/${files.icon.name}">
<link rel="stylesheet" href="/assets/${files.style.name}">
<script type="module" src="/assets/${files.script.name}"></script>
</head>
<body>
<div id="root"></div>
<noscript>This page is a program: it needs JavaScript. The same numbers are under /api/v1/status.</noscript>
</body>
</html>
`;
  const assets = new Map(Object.values(files).map((each) => [each.name, each]));
  return { html, etag: `"${hashOf(html)}"`, assets };
}

function asset(name: string, ending: string, type: string, text: string): Asset {
  return { name: `${name}-${hashOf(text)}.${ending}`, type, text };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
