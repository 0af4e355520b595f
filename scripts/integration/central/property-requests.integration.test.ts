/** Every route of a central that has all its parts, asked with requests made from its own OpenAPI document, valid ones and wrong ones. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { propertyRequests } from "../../drivers/http/schemathesis.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { centralGround } from "./ground.ts";

const key = "a-key-for-everything";
const rulesFile = join(import.meta.dir, "../../../central/examples/rules/fleet.yaml");
const seed = Number(process.env.TAILGATE_SEED ?? Math.trunc(Math.random() * 2 ** 31));
let broker: Broker;

beforeAll(async () => {
  broker = await startBroker();
}, 120_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
});

test("every answer is what the OpenAPI document says, whatever is asked, and central goes on", async () => {
  await using ground = await centralGround(broker);
  const heartbeats = `${ground.topic}-heartbeats`;
  await createTopic(broker.internalAddress, heartbeats);
  await using central = await ground.start(
    {
      TAILGATE_LAKE: ground.dir.file("lake"),
      TAILGATE_LAKE_COMMIT_EVERY: "1s",
      TAILGATE_LAKE_KEEP_FREE: "1MiB",
      TAILGATE_RULES_FILE: rulesFile,
      TAILGATE_HEARTBEAT_TOPIC: heartbeats,
    },
    key,
  );
  await central.stored(await ground.producer.send(500));
  const { isClean, report } = await propertyRequests({
    url: `${central.url}/api/v1/openapi.json`,
    key,
    seed,
    examples: 20,
    // A cursor is what an earlier answer said, a time must lie before another one: what the document allows may be refused with 400.
    without: ["positive_data_acceptance"],
    // They go on for as long as somebody listens.
    withoutPaths: ["/api/v1/events/stream", "/api/v1/replays/stream"],
  });
  expect(isClean ? "" : `TAILGATE_SEED=${seed}\n${report}`).toBe("");
  expect(central.running).toBe(true);
  expect((await fetch(`${central.url}/readyz`)).status).toBe(200);
}, 300_000);
