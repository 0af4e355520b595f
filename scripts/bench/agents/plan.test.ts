import { expect, test } from "bun:test";
import { parse } from "yaml";
import { defaultFlow } from "../cases/case.ts";
import type { Task } from "./agent.ts";
import { opentelemetry } from "./opentelemetry.ts";
import { rsyslog } from "./rsyslog.ts";
import { config, tailgate } from "./tailgate.ts";

const task: Task = {
  logs: "/logs",
  home: "/home/run",
  bootstrap: "127.0.0.1:9092",
  topic: "t",
  flow: { ...defaultFlow, lingerMs: 50, interceptors: true, partition: "key" },
  adminPort: 9464,
};

test("a flow that is signed has a key, and no other one has", () => {
  const sinkOf = (signed: boolean) => JSON.stringify(config({ ...task, flow: { ...task.flow, signed } }));
  expect(sinkOf(true)).toContain("PRIVATE KEY");
  expect(sinkOf(false)).not.toContain("signingKey");
});

test("our plan runs the binary on a config that spells out the flow", () => {
  const plan = tailgate.plan(task);
  expect(plan.command.slice(1)).toEqual(["run", "--config", "/home/run/tailgate.yaml"]);
  expect(parse(plan.files["tailgate.yaml"] ?? "")).toMatchObject({
    linger: "50ms",
    dataDir: "/home/run/data",
    sources: { drive: { paths: ["/logs/*.log"], channels: "main" } },
    channels: { main: { type: "sqlite", compression: "zstd", identity: true } },
    sinks: { kafka: { brokers: ["127.0.0.1:9092"], topic: "t", partition: "key" } },
    admin: { address: "127.0.0.1:9464" },
  });
});

test("without a linger the config leaves the default to the edge, and without interceptors it has none", () => {
  const plain = config({ ...task, flow: defaultFlow });
  expect(plain).not.toHaveProperty("linger");
  expect(plain).toMatchObject({ sources: { drive: { interceptors: [] } } });
});

test("rsyslog's two set-ups differ in their queue alone", () => {
  const text = (agent: ReturnType<typeof rsyslog>) => agent.plan(task).files["rsyslog.conf"] ?? "";
  const [assisted, disk] = [text(rsyslog("disk-assisted")), text(rsyslog("disk"))];
  expect(assisted).toContain('queue.type="LinkedList"');
  expect(disk).toContain('queue.type="Disk"');
  for (const conf of [assisted, disk]) {
    expect(conf).toContain('"linger.ms=50"');
    expect(conf).toContain("request.required.acks=all");
    expect(conf).toContain('file="/logs/*.log"');
  }
});

test("the collector's two set-ups differ in what they sync and in how many send, and none throws anything away", () => {
  const made = (queue: "synced" | "not synced") => parse(opentelemetry(queue).plan(task).files["otelcol.yaml"] ?? "");
  for (const queue of ["synced", "not synced"] as const) {
    expect(made(queue)).toMatchObject({
      extensions: { file_storage: { directory: "/home/run/storage", fsync: queue === "synced" } },
      receivers: { filelog: { include: ["/logs/*.log"], start_at: "beginning", storage: "file_storage" } },
      exporters: {
        kafka: {
          brokers: ["127.0.0.1:9092"],
          logs: { topic: "t", encoding: "raw" },
          producer: { required_acks: -1, compression: "zstd", linger: "50ms" },
          retry_on_failure: { enabled: true, max_elapsed_time: 0 },
          sending_queue: {
            storage: "file_storage",
            block_on_overflow: true,
            num_consumers: queue === "synced" ? 1 : 10,
          },
        },
      },
    });
  }
});
