/**
 * A hop between agents: an edge sends a file by relay to an aggregator, which brings it to Kafka. What the aggregator uses is read from
 * /proc; the edge before it and the broker behind it are not counted.
 */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { edgeConfig } from "../../drivers/edge/edge-config.ts";
import { startEdge } from "../../drivers/edge/edge-process.ts";
import type { Bench } from "../bench.ts";
import { readUsage } from "../meters/process.ts";
import type { Metrics } from "../report/columns.ts";

const megabyte = 1_000_000;
/** After the last record came, it still tidies up: that is part of the price. */
const settleMs = 1_500;
const patienceMs = 60_000;
const warmLines = 1_000;

/** How an aggregator takes what comes: `take` of the source. */
export type Take = "batches" | "events";

/** `lines` lines appear at once in the folder of an edge, and go through a warm aggregator; until the topic has all of them. */
export async function measureHop(bench: Bench, take: Take, lines: number): Promise<Metrics> {
  const input = await bench.inputs.file(lines);
  using dir = tempDir("tailgate-hop-");
  for (const folder of ["logs", "edge", "aggregator"]) mkdirSync(dir.file(folder));
  copyFileSync(input, dir.file("input.jsonl"));
  const [port, edgeAdmin, aggregatorAdmin] = [await freePort(), await freePort(), await freePort()];
  const topic = await bench.topics.create(1);
  const brokers = bench.broker.internalAddress;
  const place = (agent: string, adminPort: number) => {
    return { agent, dataDir: dir.file(agent), logs: dir.file("logs/*.log"), brokers, topic, adminPort };
  };
  const sources = { agents: { type: "relay", address: `127.0.0.1:${port}`, take, channels: "main" } };
  writeFileSync(
    dir.file("aggregator.yaml"),
    edgeConfig(place("aggregator", aggregatorAdmin), { top: { linger: "1s", sources } }),
  );
  const sinks = { relay: { type: "relay", channel: "main", url: `http://127.0.0.1:${port}` } };
  const source = { interceptors: [{ type: "regex_extractor", key: '"vehicle":"([^"]+)"' }] };
  writeFileSync(dir.file("edge.yaml"), edgeConfig(place("edge", edgeAdmin), { source, top: { linger: "1s", sinks } }));
  await using aggregator = await startEdge({ configPath: dir.file("aggregator.yaml") });
  await using _edge = await startEdge({ configPath: dir.file("edge.yaml") });
  writeFileSync(dir.file("logs/warm.log"), '{"vehicle":"warm"}\n'.repeat(warmLines));
  await bench.topics.fill(topic, warmLines, patienceMs);
  await Bun.sleep(settleMs);
  const before = readUsage(aggregator.pid);
  const beganMs = systemClock.uptimeMs();
  renameSync(dir.file("input.jsonl"), dir.file("logs/input.log"));
  const held = await bench.topics.fill(topic, warmLines + lines, patienceMs);
  const seconds = (systemClock.uptimeMs() - beganMs) / 1_000;
  await Bun.sleep(settleMs);
  const after = readUsage(aggregator.pid);
  await bench.topics.delete(topic);
  return {
    cpuPerMillion: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / lines,
    linesPerSecond: lines / seconds,
    rssPeakMb: after.rssPeakBytes / megabyte,
    lost: Math.max(0, warmLines + lines - held),
    repeated: Math.max(0, held - warmLines - lines),
  };
}
