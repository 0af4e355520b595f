import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../shared/errors/app-error.ts";
import { anybody } from "../api/access.ts";
import { type ApiDependencies, resource } from "../api/api.ts";
import { codes } from "../api/codes.ts";
import { problemsWithNotFound } from "../api/errors.ts";
import { loadPage, pageSecurity } from "./page.ts";

const show = createRoute({
  method: "get",
  operationId: "page",
  ...anybody,
  path: "/",
  summary: "The web page; it holds no data itself and asks for a key",
  responses: {
    200: { description: "The page.", content: { "text/html": { schema: z.string() } } },
    304: { description: "The page that the browser has is this one." },
  },
});

const file = createRoute({
  method: "get",
  operationId: "pageFile",
  ...anybody,
  path: "/assets/{file}",
  summary: "A file of the page; its name holds the hash of its content",
  request: { params: z.object({ file: z.string().max(64) }) },
  responses: {
    200: {
      description: "The file.",
      content: {
        "text/javascript": { schema: z.string() },
        "text/css": { schema: z.string() },
        "image/svg+xml": { schema: z.string() },
      },
    },
    400: problemsWithNotFound[400],
    404: problemsWithNotFound[404],
  },
});

/** GET /, GET /assets/{file} */
export function page(_dependencies: ApiDependencies) {
  return resource()
    .openapi(show, async (context) => {
      const { html, etag } = await loadPage();
      const headers = { ...pageSecurity, ETag: etag, "Cache-Control": "no-cache" };
      if (context.req.header("If-None-Match") === etag) return context.body(null, 304, headers);
      return context.html(html, 200, headers);
    })
    .openapi(file, async (context) => {
      const { file } = context.req.valid("param");
      const asset = (await loadPage()).assets.get(file);
      if (asset === undefined) {
        throw new AppError(
          codes.CENTRAL_NOT_FOUND,
          `read the page's file "${file}": there is none, or of another version`,
          {
            hint: "Load the page anew.",
          },
        );
      }
      const headers = {
        ...pageSecurity,
        "Content-Type": asset.type,
        "Cache-Control": "public, max-age=31536000, immutable",
      };
      return context.body(asset.text, 200, headers);
    });
}
