/** The Elasticsearch sink against a real OpenSearch: killed, restarted, refusing; the edge killed with -9; every event is one document. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { OpenSearch } from "../../drivers/storage/open-search.ts";
import { StoreWorld } from "./store-world.ts";

let server: OpenSearch;
beforeAll(async () => {
  server = await OpenSearch.open();
}, 300_000);
afterAll(() => server?.[Symbol.asyncDispose]());

const sink = (more: string) =>
  `sinks: { search: { type: elasticsearch, channel: main, url: "${server.url}", timeout: 20s, ${more} } }`;

test("killed and restarted, the edge killed: every line is one document", async () => {
  await using world = await StoreWorld.open(sink("index: lines-%Y.%m.%d"));
  world.start();
  world.write(2_000);
  await world.drained();
  await server.kill();
  world.write(1_000);
  await Bun.sleep(1_500);
  await world.kill();
  world.start();
  await server.start();
  for (let kills = 0; kills < 3; kills++) {
    world.write(500);
    await Bun.sleep(500 + kills * 300);
    await world.kill();
    world.start();
  }
  await world.drained(90_000);
  const hits = await server.hits("lines-*");
  expect(hits.map(({ _source }) => String(_source.message)).toSorted()).toEqual([...world.lines].toSorted());
  const repeated = hits.filter(({ _version }) => _version > 1).length;
  console.log(`documents ${hits.length}, written over themselves ${repeated}`);
}, 240_000);

test("a document that does not fit the mapping is buried alone; an index that is closed for writing holds the others", async () => {
  await server.ask("PUT", "/typed", { mappings: { properties: { speed: { type: "integer" } } } });
  await using world = await StoreWorld.open(sink("index: typed, body: json"));
  world.start();
  world.write(100, (seq) => JSON.stringify({ speed: seq === 13 ? "fast" : seq }));
  await world.drained();
  expect(await world.books()).toMatchObject({ sent: 99, dead: 1, held: 0 });
  expect(await server.hits("typed")).toHaveLength(99);

  await server.ask("PUT", "/typed/_settings", { "index.blocks.write": true });
  world.write(50, (seq) => JSON.stringify({ speed: seq }));
  await Bun.sleep(4_000);
  expect(await world.books()).toMatchObject({ dead: 1, held: 50 });
  await server.ask("PUT", "/typed/_settings", { "index.blocks.write": false });
  await world.drained();
  expect(await world.books()).toMatchObject({ sent: 149, dead: 1 });
  expect(await server.hits("typed")).toHaveLength(149);
}, 120_000);
