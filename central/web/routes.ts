import { createRoute, z } from "@hono/zod-openapi";
import { anybody } from "../api/access.ts";
import { type ApiDependencies, resource } from "../api/api.ts";
import { page as html, pageSecurity } from "./page.ts";

const show = createRoute({
  method: "get",
  operationId: "page",
  ...anybody,
  path: "/",
  summary: "The live page; it holds no data and asks for the key",
  responses: { 200: { description: "The page.", content: { "text/html": { schema: z.string() } } } },
});

/** GET / */
export function page(_dependencies: ApiDependencies) {
  return resource().openapi(show, (context) => context.html(html, 200, pageSecurity));
}
