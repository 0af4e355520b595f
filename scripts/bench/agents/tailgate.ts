import { join } from "node:path";
import { stringify } from "yaml";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { makeSigningKey } from "../../../shared/signature/keys.ts";
import { buildEdge } from "../../build/build.ts";
import type { Agent, Availability, Flow, Plan, Task } from "./agent.ts";

/** The compiled edge, as it is shipped, started bare: one binary, no runtime, no node_modules. */
export const tailgate: Agent = {
  name: "Tailgate",
  product: "tailgate",
  setup: "an fsync before every send, one batch in flight a lane, acks=all",
  share: 1,
  prepare,
  plan,
};

let binary = "";

async function prepare(progress: (text: string) => void): Promise<Availability> {
  try {
    progress("building the edge binary, unless it is fresh");
    binary = await buildEdge();
    const version = Bun.spawn([binary, "version"], { stdout: "pipe", stderr: "ignore" });
    return { kind: "ready", version: (await version.stdout.text()).trim().replaceAll(/\s+/g, " ") };
  } catch (thrown) {
    return { kind: "unavailable", reason: messageOf(thrown) };
  }
}

function plan(task: Task): Plan {
  return {
    command: [binary, "run", "--config", join(task.home, "tailgate.yaml")],
    env: {},
    files: { "tailgate.yaml": stringify(config(task)) },
  };
}

/** The config as a user would write it, every setting that the page names spelled out. */
export function config({ logs, home, bootstrap, topic, flow, adminPort }: Task): object {
  return {
    agent: "bench",
    dataDir: join(home, "data"),
    ...(flow.lingerMs === undefined ? {} : { linger: `${flow.lingerMs}ms` }),
    sources: {
      drive: { type: "tail", paths: [`${logs}/*.log`], interceptors: interceptors(flow), channels: "main" },
    },
    channels: {
      main: { type: "sqlite", capacity: "16GiB", compression: flow.compression, identity: flow.identity },
    },
    sinks: {
      kafka: {
        type: "kafka",
        channel: "main",
        brokers: [bootstrap],
        topic,
        partition: flow.partition,
        ...signing(flow),
      },
    },
    admin: { address: `127.0.0.1:${adminPort}` },
    log: { level: "info", format: "text" },
  };
}

function signing({ signed = false }: Flow): object {
  return signed ? { signingKey: makeSigningKey() } : {};
}

function interceptors(flow: Flow): object[] {
  if (!flow.interceptors) return [];
  return [
    { type: "regex_filter", include: '"speed":\\d+' },
    { type: "regex_extractor", key: '"vehicle":"([^"]+)"' },
  ];
}
