import { afterEach, expect, test } from "bun:test";
import { type Signal, silent } from "../../shared/telemetry/log.ts";
import { until as untilNamed } from "../../shared/testing/until.ts";
import type { AlertDelivery, RulesWork } from "../store/rules-port.ts";
import { AlertCourier } from "./alert-courier.ts";
import { Webhook } from "./webhook.ts";

/** What a store keeps of deliveries, in a list. */
class Waiting implements RulesWork {
  readonly counters = { vehiclesDropped: 0, deliveriesDropped: 0 };
  readonly left: { readonly delivery: AlertDelivery; notBefore: number }[];
  readonly postponed: { ids: readonly number[]; afterMs: number }[] = [];

  constructor(keys: readonly string[]) {
    this.left = keys.map((key, id) => ({
      delivery: { id, target: "webhook", key, vehicle: "v", body: JSON.stringify({ id: key }), attempts: 1 },
      notBefore: 0,
    }));
  }

  async tick() {}
  async take(_target: string, limit: number) {
    return this.left
      .filter(({ notBefore }) => notBefore <= Date.now())
      .slice(0, limit)
      .map(({ delivery }) => delivery);
  }
  async delivered(ids: readonly number[]) {
    const kept = this.left.filter(({ delivery }) => !ids.includes(delivery.id));
    this.left.splice(0, this.left.length, ...kept);
  }
  async postpone(ids: readonly number[], afterMs: number) {
    this.postponed.push({ ids, afterMs });
    for (const each of this.left) if (ids.includes(each.delivery.id)) each.notBefore = Date.now() + 50;
  }
}

const until = (done: () => boolean) => untilNamed("the deliveries", done);

let stop: (() => Promise<void>) | undefined;
afterEach(async () => {
  await stop?.();
  stop = undefined;
});

function start(keys: readonly string[], answer: (key: string, tries: number) => Response, authorization?: string) {
  const got: { key: string; authorization: string | null; body: unknown }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    reusePort: false,
    fetch: async (request) => {
      const key = request.headers.get("Idempotency-Key") ?? "";
      got.push({ key, authorization: request.headers.get("Authorization"), body: await request.json() });
      return answer(key, got.filter((each) => each.key === key).length);
    },
  });
  const rules = new Waiting(keys);
  const said: string[] = [];
  const report = ({ name }: Signal) => void said.push(name);
  const sink = new Webhook({ url: server.url.href, authorization, timeoutMs: 2_000 });
  const fatal = (thrown: unknown) => {
    throw thrown;
  };
  const courier = new AlertCourier({ rules, sink, report, fatal, idleMs: 5 });
  stop = async () => {
    await courier.stop();
    await server.stop(true);
  };
  return { got, rules, courier, said };
}

test("each alert is sent with its key and the credentials, and is done with when it was taken", async () => {
  const { got, rules, courier } = start(["a", "b"], () => new Response("thanks"), "Bearer x");
  await until(() => rules.left.length === 0);
  expect(got).toEqual([
    { key: "a", authorization: "Bearer x", body: { id: "a" } },
    { key: "b", authorization: "Bearer x", body: { id: "b" } },
  ]);
  expect(courier.counters).toEqual({ delivered: 2, failures: 0 });
});

test("while the other side is away nothing is lost, nothing overtakes, and it is said", async () => {
  const { got, rules, said } = start(["a", "b"], (_, tries) =>
    tries < 3 ? new Response("", { status: 503, headers: { "Retry-After": "7" } }) : new Response(""),
  );
  await until(() => rules.left.length === 0);
  expect(got.map(({ key }) => key).slice(0, 3)).toEqual(["a", "a", "a"]);
  expect(rules.postponed[0]).toEqual({ ids: [0, 1], afterMs: 7_000 });
  expect(said).toContain("alerts_undelivered");
});

test("one that is refused holds up no other, and is tried again", async () => {
  const { got, rules, said } = start(["a", "b"], (key, tries) =>
    key === "a" && tries < 2 ? new Response("", { status: 422 }) : new Response(""),
  );
  await until(() => rules.left.length === 0);
  expect(got.map(({ key }) => key)).toEqual(["a", "b", "a"]);
  expect(said).toEqual(["alert_refused"]);
});

test("a redirect is followed nowhere", async () => {
  const { got, rules, courier } = start(["a"], (_, tries) =>
    tries < 2 ? new Response("", { status: 307, headers: { Location: "http://127.0.0.1:1/" } }) : new Response(""),
  );
  await until(() => rules.left.length === 0);
  expect(got).toHaveLength(2);
  expect(courier.counters).toEqual({ delivered: 1, failures: 1 });
});

test("nobody there: it goes on trying until it is told to stop", async () => {
  const rules = new Waiting(["a"]);
  const sink = new Webhook({ url: "http://127.0.0.1:1/", authorization: undefined });
  const courier = new AlertCourier({ rules, sink, report: silent, fatal: () => {}, idleMs: 5 });
  await until(() => rules.postponed.length > 1);
  await courier.stop();
  expect(rules.left).toHaveLength(1);
  expect(courier.counters.delivered).toBe(0);
});
