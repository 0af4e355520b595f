import { expect, test } from "bun:test";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { prepareEdge } from "../drivers/edge/edge.ts";
import { LogFile } from "./input/log-file.ts";
import { NumberedLines } from "./proof/numbered-lines.ts";
import { withFolderAt } from "./world/bare-machine.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

test("a data directory that was copied and is run twice: neither takes the other's place in the topic", async () => {
  await using world = await startWorld({ broker: broker() });
  const { edge, log, topic } = world;
  await edge.start();
  log.write(2_000);
  await edge.hasSettled(2_000);
  await edge.stop();

  // As a golden image does it: the same agent, the same paths, on another vehicle with other lines.
  cpSync(world.dataDir, world.file("copied"), { recursive: true });
  mkdirSync(world.file("other"));
  using other = new LogFile(join(world.file("other"), "drive.log"), new NumberedLines({ stream: "b" }));
  await using twin = await prepareEdge({
    configPath: world.file("twin.yaml"),
    wrap: withFolderAt(world.logs, world.file("other")),
    place: {
      agent: "car-edge",
      dataDir: world.file("copied"),
      logs: join(world.logs, "*.log"),
      brokers: broker().address,
      topic,
    },
  });
  await Promise.all([edge.start(), twin.start()]);
  expect((await twin.status()).epoch).not.toBe((await edge.status()).epoch);
  for (let piece = 0; piece < 20; piece++) {
    log.write(500);
    other.write(500);
    await Promise.all([edge.hasRead(log.written), twin.hasRead(2_000 + other.written)]);
  }
  await Promise.all([edge.hasSettled(log.written), twin.hasSettled(2_000 + other.written)]);
  for (const proof of await world.proofs([log, other])) expect(proof).toMatchObject(proven);
}, 300_000);

test("a second process on the same data directory does not start", async () => {
  await using world = await startWorld({ broker: broker() });
  await world.edge.start();
  await using second = await prepareEdge({
    configPath: world.file("second.yaml"),
    place: {
      agent: "car-edge",
      dataDir: world.dataDir,
      logs: join(world.logs, "*.log"),
      brokers: broker().address,
      topic: world.topic,
    },
  });
  await expect(second.start()).rejects.toThrow(/the edge ended \(code 2[\s\S]*Another tailgate/i);
  expect((await world.edge.status()).state).toBe("running");
}, 300_000);
