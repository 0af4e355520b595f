import { TestApi } from "../../../central/testing/api.ts";
import { noonMs, testRecord } from "../../../central/testing/records.ts";
import type { Random } from "../../../shared/random/random.ts";
import { mutateText, oneOf, pick } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

const paths = [
  "/api/v1/status",
  "/api/v1/lag",
  "/api/v1/vehicles?limit=2",
  "/api/v1/vehicles/car-1",
  `/api/v1/vehicles/car-1/events?stream=drive&from=${noonMs}&to=2026-11-21T00:00:00Z&order=desc&limit=3`,
  "/api/v1/ledger?agent=gw1&stream=drive&ranges=10",
  "/api/v1/conflicts?limit=10",
  "/api/v1/dead-letters?limit=10&cursor=abc",
  "/api/v1/gaps",
  "/api/v1/quarantine",
  "/api/v1/quarantine/gw1",
  "/metrics",
  "/readyz",
];
const words = [
  "limit=",
  "cursor=",
  "from=",
  "to=",
  "&",
  "?",
  "%",
  "%ff",
  "2026-02-30T00:00:00Z",
  "order=up",
  "stream=",
];

let api: Promise<TestApi> | undefined;
let next = "";

async function open(): Promise<TestApi> {
  const made = new TestApi();
  await made.put(Array.from({ length: 20 }, (_, offset) => testRecord({ offset, vehicle: `car-${offset % 3}` })));
  const page = await made.get("/api/v1/vehicles?limit=1");
  next = typeof page.next === "string" ? page.next : "";
  return made;
}

function target(random: Random): string {
  const cursor = next === "" ? [] : [`/api/v1/vehicles?limit=1&cursor=${next}`];
  // A path begins with one slash: two of them name a host.
  return `/${mutateText(random, [...paths, ...cursor], [...words, next]).replace(/^[/\\]+/, "")}`;
}

/** Whatever is asked, the answer is one of ours, and never that we have failed. */
export const apiRequests: FuzzTarget = {
  name: "requests to the API",
  async try(random) {
    api ??= open();
    const path = target(random);
    const method = pick(random, 10) === 0 ? oneOf(random, ["HEAD", "OPTIONS", "POST", "PUT", "DELETE"]) : "GET";
    const { status } = await (await api).request(path, { "content-type": "application/json" }, method);
    if (status >= 500 && !path.startsWith("/readyz")) throw new Error(`${status} for ${method} ${path.slice(0, 500)}`);
  },
  async end() {
    await (await api)?.[Symbol.asyncDispose]();
  },
};
