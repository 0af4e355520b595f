/**
 * The metrics of the reference page. Nobody keeps a list: every component is made from its own example and never started,
 * and what it declares then is what it declares on a gateway.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../shared/clock/clock.ts";
import { withBaseDirectory } from "../shared/config/base-directory.ts";
import { systemRandom } from "../shared/random/random.ts";
import { silent } from "../shared/telemetry/log.ts";
import { Metrics, type MetricWords } from "../shared/telemetry/metrics.ts";
import { adminReport } from "./admin/telemetry.ts";
import { openChannelStore } from "./channels/sqlite/open.ts";
import { declareLogMetrics } from "./commands/log-writer.ts";
import type { Registry } from "./config/agent-config.ts";
import type { SinkContext, SourceContext } from "./core/context.ts";
import { FileReaders } from "./core/file-readers.ts";
import { commitCounters } from "./engine/committer.ts";
import { LoopLag } from "./engine/loop-lag.ts";
import { observeAgent } from "./engine/observe-agent.ts";
import { heartbeatCounters } from "./heartbeat/heart.ts";

/** A metric, and whose it is. */
export interface DescribedMetric extends MetricWords {
  readonly of: string;
}

/** All metrics, those of the agent first. */
export async function metricsOf(registry: Registry): Promise<readonly DescribedMetric[]> {
  const folder = mkdtempSync(join(tmpdir(), "tailgate-reference-"));
  try {
    // The one example that names a file which only its reader has.
    const path = join(folder, "module.ts");
    writeFileSync(path, "export default () => () => true;\n");
    const described = await describeAll(registry, { module: { path } });
    return [...described, ...(await describeChannels(registry, folder))];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function describeAll(
  { sources, interceptors, sinks }: Pick<Registry, "sources" | "interceptors" | "sinks">,
  examples: Readonly<Record<string, unknown>>,
): Promise<readonly DescribedMetric[]> {
  const found = [...agentMetrics().describe()].map((words) => ({ ...words, of: "the agent" }));
  for (const definition of [...sources, ...interceptors, ...sinks]) {
    const metrics = new Metrics();
    const example = examples[definition.type] ?? definition.example;
    const reading = withBaseDirectory("/etc/tailgate", () => definition.read(example));
    if (!reading.ok) continue;
    const made = await reading.value.create(contextWith(metrics));
    if ("stop" in made) await made.stop();
    for (const words of metrics.describe()) found.push({ ...words, of: `${definition.kind} ${definition.type}` });
  }
  return found;
}

/** Channels are made in the agent's file: one of their own, empty, that goes with the folder. */
async function describeChannels({ channels }: Registry, folder: string): Promise<readonly DescribedMetric[]> {
  const found: DescribedMetric[] = [];
  for (const definition of channels) {
    const reading = definition.read(definition.example);
    if (!reading.ok) continue;
    const { stored, create } = reading.value;
    const metrics = new Metrics();
    const context = contextWith(metrics);
    const { name, agent, clock, random, report } = context;
    const dataDir = join(folder, definition.type);
    const ofStore = { dataDir, agent, clock, random, report, metrics: new Metrics(), reserveBytes: 0 };
    const store = openChannelStore({ ...ofStore, channels: new Map(stored === undefined ? [] : [[name, stored]]) });
    try {
      const made = await create({ ...context, store });
      if (made.keeping !== "store") await made.close();
    } finally {
      store.close();
    }
    for (const words of metrics.describe()) found.push({ ...words, of: `channel ${definition.type}` });
  }
  return found;
}

function agentMetrics(): Metrics {
  const metrics = new Metrics();
  const none = () => [];
  observeAgent(metrics, {
    channels: none,
    books: none,
    beside: () => new Map(),
    sources: none,
    lanes: none,
    deliveries: none,
    loopLag: new LoopLag(),
  });
  commitCounters(metrics);
  declareLogMetrics(metrics, () => 0);
  heartbeatCounters(metrics);
  adminReport(silent, metrics);
  return metrics;
}

function contextWith(metrics: Metrics): SinkContext & SourceContext {
  return {
    name: "example",
    agent: "gw-1",
    dataDir: "/var/lib/tailgate",
    clock: systemClock,
    random: systemRandom,
    report: silent,
    metrics,
    partsKnown: () => {},
    renewEpoch: () => {},
    fileReaders: new FileReaders(silent),
    ownFiles: () => [],
    members: [],
  };
}
