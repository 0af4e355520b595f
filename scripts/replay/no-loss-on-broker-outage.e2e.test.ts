import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { pause } from "./world/pause.ts";
import { longForm } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

/** Longer than librdkafka's message.timeout.ms and Java's delivery.timeout.ms; the short form outlasts kafkajs's retries. */
const outageMs = longForm ? 330_000 : 20_000;
const written = 201_000;
const generations = 4;

test(
  "200,000 lines of an outage arrive once, though their files are gone and the edge was killed twice",
  async () => {
    await using world = await startWorld({ broker: broker() });
    const { edge, log } = world;
    await edge.start();
    log.write(1_000);
    await edge.hasSettled(1_000);

    await broker().kill();
    const sinceMs = performance.now();
    for (let generation = 1; generation <= generations; generation++) {
      log.write((written - 1_000) / generations);
      const rotated = log.rename();
      // In the middle of reading, twice: what was not committed yet is read again from the rotated file.
      if (generation === 1 || generation === 3) {
        await edge.kill();
        await edge.start();
      }
      await edge.hasRead(log.written);
      rmSync(rotated);
    }
    await pause(Math.max(0, outageMs - (performance.now() - sinceMs)));
    await broker().start();

    await edge.hasSettled(log.written, 30_000);
    expect(await world.proof()).toMatchObject(proven);
  },
  outageMs + 300_000,
);
