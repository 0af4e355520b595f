/**
 * From a file to the store, the whole way: the compiled edge and central as processes, over Kafka or by relay. What each of them
 * uses is read from /proc; the broker between them, where there is one, is not counted.
 */
import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { systemClock } from "../../../shared/clock/clock.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { startCentral } from "../../drivers/central/central-process.ts";
import { edgeConfig } from "../../drivers/edge/edge-config.ts";
import { startEdge } from "../../drivers/edge/edge-process.ts";
import type { Bench } from "../bench.ts";
import { readUsage } from "../meters/process.ts";
import type { Metrics } from "../report/columns.ts";

const megabyte = 1_000_000;
/** After the last record came, both still tidy up: that is part of the price. */
const settleMs = 1_500;

/** What either end used. */
export interface WayUsage {
  readonly edge: Metrics;
  readonly central: Metrics;
}

/** `lines` lines appear at once in the folder of an edge that is warm; measured until the store has all of them. */
export async function measureWay(bench: Bench, way: "kafka" | "relay", lines: number): Promise<WayUsage> {
  const input = await bench.inputs.file(lines);
  using dir = tempDir("tailgate-ways-");
  for (const folder of ["logs", "data"]) mkdirSync(dir.file(folder));
  // Beside its place, which another device may hold, so that it appears there at once.
  copyFileSync(input, dir.file("input.jsonl"));
  const [centralPort, adminPort] = [await freePort(), await freePort()];
  const topic = way === "kafka" ? await bench.topics.create(1) : "";
  const brokers = way === "kafka" ? bench.broker.internalAddress : "";
  await using central = startCentral({
    ...(way === "kafka" ? { brokers, topics: [topic] } : {}),
    group: topic === "" ? "none" : topic,
    store: dir.file("central.db"),
    port: centralPort,
    environment: { TAILGATE_LOG_LEVEL: "warn" },
  });
  const url = `http://127.0.0.1:${centralPort}`;
  const place = { agent: "bench", dataDir: dir.file("data"), logs: dir.file("logs/*.log"), brokers, topic, adminPort };
  const relay = { sinks: { relay: { type: "relay", channel: "main", url } } };
  const source = { interceptors: [{ type: "regex_extractor", key: '"vehicle":"([^"]+)"' }] };
  const top = { linger: "1s", ...(way === "relay" ? relay : {}) };
  writeFileSync(dir.file("edge.yaml"), edgeConfig(place, { source, top }));
  await using edge = await startEdge({ configPath: dir.file("edge.yaml") });
  writeFileSync(dir.file("logs/warm.log"), '{"vehicle":"warm"}\n'.repeat(1_000));
  const stored = async () => {
    const answer = await fetch(`${url}/api/v1/status`, { signal: AbortSignal.timeout(5_000) });
    const { stored, missing, repeated } = Object(await answer.json());
    return { stored: Number(stored), missing: Number(missing), repeated: Number(repeated) };
  };
  const reach = (count: number) =>
    until(`${count} events to be stored`, stored, (seen) => seen.stored >= count, { withinMs: 180_000, everyMs: 20 });
  await reach(1_000);
  await Bun.sleep(settleMs);
  const before = { edge: readUsage(edge.pid), central: readUsage(central.pid) };
  const beganMs = systemClock.uptimeMs();
  renameSync(dir.file("input.jsonl"), dir.file("logs/input.log"));
  const { missing, repeated } = await reach(1_000 + lines);
  const seconds = (systemClock.uptimeMs() - beganMs) / 1_000;
  await Bun.sleep(settleMs);
  const used = (pid: number, from: ReturnType<typeof readUsage>): Metrics => {
    const { cpuSeconds, rssPeakBytes } = readUsage(pid);
    return {
      cpuPerMillion: ((cpuSeconds - from.cpuSeconds) * 1e6) / lines,
      linesPerSecond: lines / seconds,
      rssPeakMb: rssPeakBytes / megabyte,
      lost: missing,
      repeated,
    };
  };
  const usage = { edge: used(edge.pid, before.edge), central: used(central.pid, before.central) };
  if (topic !== "") await bench.topics.delete(topic);
  return usage;
}
