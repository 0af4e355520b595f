import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LogFile } from "./input/log-file.ts";
import { SteadyWriter } from "./input/steady-writer.ts";
import { NumberedLines } from "./proof/numbered-lines.ts";
import { pause } from "./world/pause.ts";
import { testRandom } from "./world/seed.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

test("two sources that share a channel, killed between their appends: both keep every line once", async () => {
  const random = testRandom("shared-channel-keeps-both-sources");
  await using world = await startWorld({ broker: broker() });
  const { edge } = world;
  const logs = ["a", "b"].map((stream) => {
    const folder = world.file(stream);
    mkdirSync(folder);
    return new LogFile(join(folder, "drive.log"), new NumberedLines({ stream }));
  });
  const source = (stream: string) => ({
    type: "tail",
    paths: [join(world.file(stream), "*.log")],
    pollInterval: "250ms",
    interceptors: [{ type: "regex_extractor", key: '"car":"([^"]+)"' }],
    channels: ["main"],
  });
  const changes = { top: { sources: { first: source("a"), second: source("b") } } };
  {
    const writers = logs.map((log, index) => new SteadyWriter(log, 3_000 + 2_000 * index));
    for (let kill = 0; kill < 10; kill++) {
      await edge.launch(changes);
      await pause(random.between(50, 700));
      await edge.kill();
    }
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  await edge.start(changes);
  const written = logs.reduce((sum, log) => sum + log.written, 0);
  await edge.hasSettled(written);
  for (const proof of await world.proofs(logs)) expect(proof).toMatchObject(proven);
  for (const log of logs) log.close();
}, 300_000);
