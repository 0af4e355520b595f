import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { cacheFolder, runTool } from "../../drivers/kafka/distribution.ts";
import type { Agent, Availability, Plan, Task } from "./agent.ts";

const version = "0.165.1";
/** A Go module of one page: the parts of the collector that the job needs. Their versions stand in its go.mod. */
const source = join(import.meta.dir, "opentelemetry");

/** What happens to the queue's file at each write. */
type Queue = "not synced" | "synced";

const queues: Record<Queue, { readonly setup: string; readonly fsync: boolean; readonly consumers: number }> = {
  "not synced": {
    setup: "persistent queue in the page cache (its default), 10 consumers (its default)",
    fsync: false,
    consumers: 10,
  },
  synced: {
    setup: "persistent queue, an fsync a write; one consumer, which keeps the order",
    fsync: true,
    consumers: 1,
  },
};

/** OpenTelemetry Collector: filelog receiver → persistent sending queue (file storage) → Kafka exporter, acks=all. */
export function opentelemetry(queue: Queue): Agent {
  return {
    name: `OpenTelemetry Collector, ${queue}`,
    product: "opentelemetry",
    setup: queues[queue].setup,
    // Its encoding `raw` writes a text so, and no other writes one record a line without more around it.
    records: "json string",
    share: 1,
    prepare,
    plan: (task) => plan(task, queues[queue]),
  };
}

async function prepare(progress: (text: string) => void): Promise<Availability> {
  try {
    if (!existsSync(binary())) {
      if (Bun.which("go") === null) return { kind: "unavailable", reason: "no `go` on the PATH to build it with" };
      await build(progress);
    }
    return { kind: "ready", version };
  } catch (thrown) {
    return { kind: "unavailable", reason: messageOf(thrown) };
  }
}

/** Named after what it is made from: another version, or another page of code, is another binary. */
function binary(): string {
  const hash = createHash("sha256");
  for (const name of ["go.mod", "main.go"]) hash.update(readFileSync(join(source, name)));
  return join(cacheFolder(), `otelcol-bench-${hash.digest("hex").slice(0, 12)}`);
}

/** Through a module proxy, checksums checked against go.sum. Built under another name and renamed. */
async function build(progress: (text: string) => void): Promise<void> {
  progress(`building the OpenTelemetry Collector ${version} with Go (some minutes, once)`);
  mkdirSync(cacheFolder(), { recursive: true });
  const partial = `${binary()}.part-${process.pid}`;
  try {
    await runTool("build the OpenTelemetry Collector", ["go", "build", "-C", source, "-trimpath", "-o", partial, "."]);
    renameSync(partial, binary());
  } finally {
    rmSync(partial, { force: true });
  }
}

function plan(task: Task, { fsync, consumers }: (typeof queues)[Queue]): Plan {
  const { home, logs, bootstrap, topic, flow } = task;
  const storage = { directory: join(home, "storage"), create_directory: true, fsync };
  const config = {
    extensions: { file_storage: storage },
    receivers: {
      filelog: {
        include: [`${logs}/*.log`],
        start_at: "beginning",
        include_file_name: false,
        storage: "file_storage",
        // A full queue makes it wait and never throw away.
        retry_on_failure: { enabled: true, max_elapsed_time: 0 },
      },
    },
    exporters: {
      kafka: {
        brokers: [bootstrap],
        client_id: "otelcol-bench",
        logs: { topic, encoding: "raw" },
        producer: {
          required_acks: -1,
          compression: flow.compression,
          ...(flow.lingerMs === undefined ? {} : { linger: `${flow.lingerMs}ms` }),
        },
        retry_on_failure: { enabled: true, max_elapsed_time: 0 },
        sending_queue: {
          storage: "file_storage",
          num_consumers: consumers,
          sizer: "items",
          queue_size: 4_000_000,
          block_on_overflow: true,
          batch: { flush_timeout: "200ms", min_size: 8_192, max_size: 16_384 },
        },
      },
    },
    service: {
      extensions: ["file_storage"],
      pipelines: { logs: { receivers: ["filelog"], exporters: ["kafka"] } },
      telemetry: { metrics: { level: "none" }, logs: { level: "warn" } },
    },
  };
  return {
    command: [binary(), "--config", `file:${join(home, "otelcol.yaml")}`],
    env: {},
    files: { "otelcol.yaml": stringify(config) },
  };
}
