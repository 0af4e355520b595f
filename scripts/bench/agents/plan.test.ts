import { expect, test } from "bun:test";
import { parse } from "yaml";
import { defaultFlow } from "../cases/case.ts";
import type { Task } from "./agent.ts";
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
