import html from "./page.html" with { type: "text" };

/** The live page; self-contained. */
export const page: string = String(html);

/** It loads nothing from elsewhere, and nothing may frame it. */
export const pageSecurity = {
  "Content-Security-Policy":
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
};
