import { createRoute, z } from "@hono/zod-openapi";
import { anybody, withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problems } from "../errors.ts";

const plainText = { "Content-Type": "text/plain; charset=utf-8" };

function text(description: string) {
  return { description, content: { "text/plain": { schema: z.string() } } };
}

const livez = createRoute({
  method: "get",
  operationId: "livez",
  ...anybody,
  path: "/livez",
  summary: "Whether the process answers",
  responses: { 200: text("It does.") },
});

const readyz = createRoute({
  method: "get",
  operationId: "readyz",
  ...anybody,
  path: "/readyz",
  summary: "Whether what comes is stored: the store takes writes, and each partition of the topics is read into it",
  responses: { 200: text("It is."), 503: text("The reasons why not, a line each.") },
});

const metricsPage = createRoute({
  method: "get",
  operationId: "metrics",
  ...withScope("metrics"),
  path: "/metrics",
  summary: "Metrics for Prometheus (text format 0.0.4); REFERENCE.md lists them",
  responses: { 200: text("The numbers."), 401: problems[401], 403: problems[403], 429: problems[429] },
});

/** GET /livez, /readyz, /metrics */
export function health({ status, metrics }: ApiDependencies) {
  return resource()
    .openapi(livez, (context) => context.text("ok\n", 200, plainText))
    .openapi(readyz, async (context) => {
      const reasons = await status.unreadiness();
      if (reasons.length === 0) return context.text("ok\n", 200, plainText);
      return context.text(`${reasons.join("\n")}\n`, 503, plainText);
    })
    .openapi(metricsPage, async (context) => {
      await status.refreshMetrics();
      return context.text(metrics.render(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
    });
}
