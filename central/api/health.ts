import type { Api, ApiDependencies } from "./api.ts";

/** `/livez`: the process answers. `/readyz`: the store takes writes and answers reads; Kafka away is no reason. */
export function addHealth(api: Api, { status, metrics }: ApiDependencies): void {
  api.get("/livez", (context) => context.text("ok\n"));
  api.get("/readyz", async (context) => {
    const ready = await status.ready().catch(() => false);
    return ready ? context.text("ok\n") : context.text("the store does not take writes\n", 503);
  });
  api.get("/metrics", async (context) => {
    await status.refreshMetrics();
    return context.text(metrics.render(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
}
