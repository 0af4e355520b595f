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
  "/api/v1/dead-letters?topic=drive&reason=why&vehicle=car-1&limit=10",
  "/api/v1/dead-letters/count?topic=drive&reason=why&vehicle=0x6361",
  "/api/v1/redrives?limit=1",
  "/api/v1/redrives/1",
  `/api/v1/replays/stream?topic=drive&vehicle=car-1&stream=drive&from=${noonMs}&to=${noonMs + 1}&speed=max`,
  "/api/v1/gaps",
  "/api/v1/quarantine",
  "/api/v1/quarantine/gw1",
  "/api/v1/ledger?agent=gw1&epoch=e1&stream=drive&lane=0",
  `/api/v1/events?vehicle=car-1&stream=drive&from=${noonMs}&format=ndjson&limit=2`,
  "/api/v1/events/stream?vehicle=car-1&stream=drive&perSecondMax=5",
  `/api/v1/vehicles/car-1/series?stream=drive&field=a.b&from=${noonMs}&to=${noonMs + 60_000}&bucketMs=1000`,
  "/api/v1/vehicles?vehicle=car-1&valueBytes=10",
  "/api/v1/replays?limit=1",
  "/api/v1/replays/1",
  "/api/v1/suppressions/car-2",
  "/api/v1/alerts?vehicle=car-1&rule=R&state=firing",
  "/api/v1/rules",
  "/api/v1/fleet?agent=gw1&state=silent",
  `/api/v1/completeness?agent=gw1&stream=drive&from=${noonMs}&to=${noonMs + 3_600_000}`,
  "/api/v1/outages?agent=gw1&limit=2",
  "/api/v1/books",
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

const posts = [
  "/api/v1/replays",
  "/api/v1/replays/1/pause",
  "/api/v1/replays/1/resume",
  "/api/v1/replays/1/cancel",
  "/api/v1/dead-letters/redrive",
  "/api/v1/redrives",
  "/api/v1/redrives/1/cancel",
  "/api/v1/relay",
] as const;
const bodies = [
  `{"topics":["drive"],"partitions":[0],"from":{"timeMs":${noonMs}},"to":{"offset":9},"vehicle":"car-1","stream":"drive","recordsPerSecondMax":10,"into":{"kind":"store"}}`,
  `{"from":{"offset":0},"into":{"kind":"topic","topic":"copy","speed":2}}`,
  `{"topic":"drive","partition":0,"from":{"offset":0},"to":{"offset":5}}`,
  `{"topic":"drive","reason":"quota","vehicle":"car-1"}`,
  `{"ids":[1,2]}`,
  `{"topic":"drive","partition":0,"offsets":[1,2]}`,
];
const bodyWords = [
  '"__proto__":',
  '"into":',
  "1e300",
  "9007199254740993",
  "[[[[",
  '"kind":"store"',
  "\\ud800",
  "{}",
  "[]",
];

/** Whatever a body holds, it is taken or refused: a body that is no JSON too. */
export const apiBodies: FuzzTarget = {
  name: "bodies of the API",
  async try(random) {
    api ??= open();
    const path = oneOf(random, posts);
    const type = oneOf(random, ["application/json", "application/json; charset=utf-16", "text/plain", ""]);
    const body = mutateText(random, bodies, bodyWords);
    const init = { method: "POST", headers: { "content-type": type }, body };
    const { status } = await (await api).api.request(path, init);
    if (status >= 500) throw new Error(`${status} for POST ${path} of ${body.slice(0, 500)}`);
  },
};

/** Whatever is asked, the answer is one of ours, and never that we have failed. */
export const apiRequests: FuzzTarget = {
  name: "requests to the API",
  async try(random) {
    api ??= open();
    const path = target(random);
    const method = pick(random, 10) === 0 ? oneOf(random, ["HEAD", "OPTIONS", "POST", "PUT", "DELETE"]) : "GET";
    const { status, body } = await (await api).request(path, { "content-type": "application/json" }, method);
    // The live feed and an export have no end of their own.
    await body?.cancel();
    if (status >= 500 && !path.startsWith("/readyz")) throw new Error(`${status} for ${method} ${path.slice(0, 500)}`);
  },
  async end() {
    await (await api)?.[Symbol.asyncDispose]();
  },
};
