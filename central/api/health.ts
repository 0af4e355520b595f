import type { Api, ApiDependencies } from "./api.ts";

/** `/livez`: the process answers. `/readyz`: what comes is stored, or the reasons why not. */
export function addHealth(api: Api, { status, metrics }: ApiDependencies): void {
  api.get("/livez", (context) => context.text("ok\n"));
  api.get("/readyz", async (context) => {
    const reasons = await status.unreadiness();
    return reasons.length === 0 ? context.text("ok\n") : context.text(`${reasons.join("\n")}\n`, 503);
  });
  api.get("/metrics", async (context) => {
    await status.refreshMetrics();
    return context.text(metrics.render(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}
