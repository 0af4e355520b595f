import { existsSync } from "node:fs";
import { messageOf } from "../../../shared/errors/app-error.ts";
import type { Agent, Availability, Plan, Task } from "./agent.ts";
import { installDebian } from "./install-debian.ts";

/** Queue of the Kafka action: rsyslog's own names ("Understanding rsyslog Queues"). */
type Queue = "disk-assisted" | "disk";

const queues: Record<Queue, { readonly setup: string; readonly share: number; readonly parameters: string }> = {
  "disk-assisted": {
    setup: "memory until full, then disk; saved on shutdown",
    share: 1,
    parameters: `queue.type="LinkedList" queue.size="200000" queue.highWatermark="50000" queue.lowWatermark="10000"
    queue.dequeueBatchSize="1024"
    queue.filename="kafka" queue.maxDiskSpace="8g" queue.saveOnShutdown="on"`,
  },
  disk: {
    setup: "every message through the disk queue, files synced",
    share: 0.05,
    parameters: `queue.type="Disk" queue.dequeueBatchSize="1024" queue.syncQueueFiles="on" queue.checkpointInterval="1000"
    queue.filename="kafka" queue.maxDiskSpace="8g" queue.saveOnShutdown="on"`,
  },
};

/** rsyslog from Debian: imfile → action queue → omkafka (librdkafka), retrying without end. */
export function rsyslog(queue: Queue): Agent {
  const { setup, share, parameters } = queues[queue];
  return {
    name: `rsyslog, ${queue}`,
    product: "rsyslog",
    setup,
    share,
    prepare,
    plan: (task) => plan(task, parameters),
  };
}

const daemon = "/usr/sbin/rsyslogd";

async function prepare(progress: (text: string) => void): Promise<Availability> {
  try {
    await installDebian(["rsyslog", "rsyslog-kafka"], [daemon], progress);
  } catch (thrown) {
    return { kind: "unavailable", reason: messageOf(thrown) };
  }
  if (!existsSync(daemon)) return { kind: "unavailable", reason: `${daemon} is not there after the installation` };
  const text = await new Response(Bun.spawn([daemon, "-v"], { stdout: "pipe", stderr: "ignore" }).stdout).text();
  return { kind: "ready", version: /rsyslogd\s+(\S+)/.exec(text)?.[1] ?? "unknown" };
}

function plan(task: Task, queue: string): Plan {
  const { home, logs, bootstrap, topic, flow } = task;
  const linger = flow.lingerMs === undefined ? "" : `,"linger.ms=${flow.lingerMs}"`;
  const config = `global(workDirectory="${home}" maxMessageSize="64k")
main_queue(queue.type="FixedArray")
module(load="imfile" mode="inotify")
module(load="omkafka")
template(name="line" type="string" string="%msg%")
input(type="imfile" file="${logs}/*.log" tag="bench" ruleset="kafka" persistStateInterval="1000")
ruleset(name="kafka") {
  action(type="omkafka" broker=["${bootstrap}"] topic="${topic}" template="line" partitions.auto="on"
    resubmitOnFailure="on" keepFailedMessages="on" failedMsgFile="${home}/failed"
    confParam=["compression.codec=${flow.compression}","queue.buffering.max.messages=200000"${linger}]
    topicConfParam=["request.required.acks=all","message.timeout.ms=0"]
    action.resumeRetryCount="-1" action.resumeInterval="1"
    ${queue})
}
`;
  return {
    command: [daemon, "-n", "-f", `${home}/rsyslog.conf`, "-i", `${home}/rsyslog.pid`],
    env: {},
    files: { "rsyslog.conf": config },
  };
}
