/** An edge that moves from Kafka to the relay and back, killed at each change: the store has each line once. */
import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { prepareCentral } from "../../drivers/central/central.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { prepareEdge } from "../../drivers/edge/edge.ts";
import { startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

test("killed at each change of the way, with lines under way on the old one: none missing, none twice", async () => {
  await using broker = await startBroker();
  await createTopic(broker.internalAddress, "drive", { partitions: 2 });
  using dir = tempDir("tailgate-ways-");
  for (const folder of ["logs", "data"]) mkdirSync(dir.file(folder));
  writeFileSync(dir.file("central.yaml"), "relay: {}\n");
  const store = dir.file("central.db");
  const config = dir.file("central.yaml");
  await using central = await prepareCentral({ brokers: broker.address, topics: ["drive"], store, config });
  await central.start();
  const place = {
    agent: "gw-1",
    dataDir: dir.file("data"),
    logs: dir.file("logs/drive.log"),
    brokers: broker.address,
    topic: "drive",
  };
  await using edge = await prepareEdge({ place, configPath: dir.file("edge.yaml") });
  const ways = [
    {},
    { top: { sinks: { central: { type: "relay", channel: "main", url: central.url } } } },
    {},
    { top: { sinks: { central: { type: "relay", channel: "main", url: central.url } } } },
  ];
  let written = 0;
  const write = (lines: number) => {
    let text = "";
    for (const end = written + lines; written < end; written++) text += `{"car":"car-${written % 7}","n":${written}}\n`;
    appendFileSync(dir.file("logs/drive.log"), text);
  };
  for (const way of ways) {
    await edge.start(way);
    const before = written;
    for (let turn = 0; turn < 20; turn++) {
      write(200);
      await Bun.sleep(20);
    }
    await central.stored(before + 1);
    await edge.kill();
  }
  await edge.start(ways[3]);
  await edge.hasSettled(written);
  const { stored, missing, conflicts, deadLettered } = await central.stored(written, 60_000);
  expect({ stored, missing, conflicts, deadLettered }).toEqual({
    stored: written,
    missing: 0,
    conflicts: 0,
    deadLettered: 0,
  });
  await edge.stop();
  await central.stop();
  expect(storeSums(store)).toEqual({ events: written, counted: written, received: written });
}, 120_000);
