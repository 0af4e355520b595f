import { expect, test } from "bun:test";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { type AdminPages, startAdmin } from "./admin-server.ts";

async function withAdmin(changes: Partial<AdminPages>, use: (url: string) => Promise<void>): Promise<void> {
  const pages = { metrics: () => "", live: () => true, unready: () => [], status: () => ({}), ...changes };
  const server = startAdmin({ host: "127.0.0.1", port: 0 }, pages);
  try {
    await use(server.url);
  } finally {
    await server.stop();
  }
}

test("metrics are what Prometheus reads", async () => {
  const metrics = new Metrics();
  metrics.counter("tailgate_x_total", "X.").add(3);
  await withAdmin({ metrics: () => metrics.render() }, async (url) => {
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    expect(await response.text()).toContain("tailgate_x_total 3");
  });
});

test("livez and readyz answer 503 when it is not so, each for itself", async () => {
  await withAdmin({ unready: () => ["source a has ended"] }, async (url) => {
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const answer = await fetch(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe("not ready\nsource a has ended\n");
  });
});

test("status is JSON, as of now", async () => {
  let events = 1;
  await withAdmin({ status: () => ({ events }) }, async (url) => {
    events = 2;
    expect(await (await fetch(`${url}/status`)).json()).toEqual({ events: 2 });
  });
});

test("it is read only, and says what there is", async () => {
  await withAdmin({}, async (url) => {
    expect((await fetch(`${url}/status`, { method: "POST" })).status).toBe(405);
    const response = await fetch(`${url}/nothing`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("/status");
  });
});

test("a port that is taken is an error that names it", async () => {
  await withAdmin({}, async (url) => {
    const port = Number(new URL(url).port);
    const pages = { metrics: () => "", live: () => true, unready: () => [], status: () => ({}) };
    expect(() => startAdmin({ host: "127.0.0.1", port }, pages)).toThrow(`listen on 127.0.0.1:${port}`);
  });
});

test("a request for a name that somebody has made to point here is refused", async () => {
  await withAdmin({}, async (url) => {
    expect((await fetch(`${url}/status`, { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await fetch(`${url}/status`, { headers: { host: "localhost:1" } })).status).toBe(200);
  });
});
