import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Broker } from "../drivers/kafka/broker.ts";
import { createTopic, deleteTopic, topicCount } from "../drivers/kafka/topic.ts";

const pollMs = 200;

/** The bench's own hand on the broker, past the meters: topics, how many records they hold, how many bytes. */
export class Topics {
  private made = 0;

  constructor(private readonly broker: Broker) {}

  /** A new topic that stamps records with the broker's time, by which latency is measured. */
  async create(partitions: number): Promise<string> {
    const topic = `bench-${process.pid}-${++this.made}`;
    const config = { "message.timestamp.type": "LogAppendTime" };
    await createTopic(this.broker.internalAddress, topic, { partitions, config });
    return topic;
  }

  /** Frees the memory that its records take. */
  async delete(topic: string): Promise<void> {
    await deleteTopic(this.broker.internalAddress, topic);
  }

  /** Records in the topic now, over all partitions. */
  async records(topic: string): Promise<number> {
    return await topicCount(this.broker.internalAddress, topic);
  }

  /**
   * Waits until the topic holds as many records, or until none has come for `patienceMs`: an agent that lost some would
   * be waited for in vain. Returns what it holds. Each look connects anew: an idle kafkajs connection wakes up 777 times
   * a second, which would disturb what is measured.
   */
  async fill(topic: string, records: number, patienceMs: number): Promise<number> {
    let held = -1;
    let movedAt = performance.now();
    for (;;) {
      const now = await this.records(topic);
      if (now !== held) movedAt = performance.now();
      held = now;
      if (held >= records || performance.now() - movedAt > patienceMs) return held;
      await Bun.sleep(pollMs);
    }
  }

  /** Bytes of the topic's record batches as the broker stores them, which is as they were sent. */
  storedBytes(topic: string): number {
    const logs = join(this.broker.dataDir, "logs");
    const partition = new RegExp(`^${topic}-\\d+$`);
    let bytes = 0;
    for (const directory of readdirSync(logs).filter((name) => partition.test(name))) {
      for (const file of readdirSync(join(logs, directory))) {
        if (file.endsWith(".log")) bytes += statSync(join(logs, directory, file)).size;
      }
    }
    return bytes;
  }
}
