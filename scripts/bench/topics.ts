import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Admin, Kafka, logLevel } from "kafkajs";
import type { Broker } from "../../shared/testing/broker.ts";

/** The bench's own hand on the broker, past the meters: topics, how many records they hold, how many bytes. */
export class Topics {
  private made = 0;

  constructor(private readonly broker: Broker) {}

  /** A new topic that stamps records with the broker's time, by which latency is measured. */
  async create(partitions: number): Promise<string> {
    const topic = `bench-${process.pid}-${++this.made}`;
    await this.withAdmin((admin) =>
      admin.createTopics({
        waitForLeaders: true,
        topics: [
          {
            topic,
            numPartitions: partitions,
            replicationFactor: 1,
            configEntries: [{ name: "message.timestamp.type", value: "LogAppendTime" }],
          },
        ],
      }),
    );
    return topic;
  }

  /** Frees the memory that its records take. */
  async delete(topic: string): Promise<void> {
    await this.withAdmin((admin) => admin.deleteTopics({ topics: [topic] }));
  }

  /** Records in the topic now, over all partitions. */
  async records(topic: string): Promise<number> {
    return await this.withAdmin((admin) => recordsOf(admin, topic));
  }

  /**
   * Waits until the topic holds as many records, or until none has come for `patienceMs`: an agent that lost some would
   * be waited for in vain. Returns what it holds.
   */
  async fill(
    topic: string,
    records: number,
    patienceMs: number,
    onProgress?: (records: number) => void,
  ): Promise<number> {
    return await this.withAdmin(async (admin) => {
      let held = -1;
      let movedAt = performance.now();
      for (;;) {
        const now = await recordsOf(admin, topic);
        if (now !== held) {
          movedAt = performance.now();
          onProgress?.(now);
        }
        held = now;
        if (held >= records || performance.now() - movedAt > patienceMs) return held;
        await Bun.sleep(100);
      }
    });
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

  /** Connected only while it is used: an idle kafkajs connection wakes up 777 times a second. */
  private async withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const kafka = new Kafka({ clientId: "bench", brokers: [this.broker.internalAddress], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

async function recordsOf(admin: Admin, topic: string): Promise<number> {
  const partitions = await admin.fetchTopicOffsets(topic);
  return partitions.reduce((sum, partition) => sum + Number(partition.high), 0);
}
