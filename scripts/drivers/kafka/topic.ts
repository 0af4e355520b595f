/**
 * Topics seen from outside: made and grown with kafkajs's admin, read by **kcat** with CRC checks on. kcat is the
 * independent consumer: it shares no line of code with the product, so what it reads is what is really there.
 *
 * kcat is told to print each record as lengths, then bytes, then the headers up to a random mark, so that keys and
 * values of any bytes come through unharmed (its JSON output would not do that for invalid UTF-8).
 */

import { randomBytes } from "node:crypto";
import { ConfigResourceTypes, Kafka, logLevel } from "kafkajs";
import { AppError } from "../../../shared/errors/app-error.ts";
import { quietTimers } from "../../../shared/kafka/connection/quiet-timers.ts";
import { until } from "../../../shared/testing/until.ts";
import { codes } from "../codes.ts";

/** One record as it stands in the topic. Buffers are views: copy what is kept longer than the callback. */
export interface TopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** `name=value,name=value` as kcat prints it. */
  readonly headers: string;
}

/** How a topic is made. */
export interface TopicOptions {
  /** 1 when not given. */
  readonly partitions?: number;
  /** Copies of each partition; 1 when not given. */
  readonly replicas?: number;
  /** Which brokers hold each partition, the preferred leader first; then the two numbers above do not count. */
  readonly assignment?: readonly (readonly number[])[];
  /** Such as `message.timestamp.type` or `retention.ms`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Makes a topic, unless it is there; waits until it has leaders. `address` is the broker's internal one, unless a test says otherwise. */
export async function createTopic(address: string, topic: string, options: TopicOptions = {}): Promise<void> {
  const configEntries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }));
  const { partitions = 1, replicas = 1, assignment } = options;
  const layout =
    assignment === undefined
      ? { numPartitions: partitions, replicationFactor: replicas }
      : { replicaAssignment: assignment.map((ids, partition) => ({ partition, replicas: [...ids] })) };
  await withAdmin(address, async (admin) => {
    await admin.createTopics({ waitForLeaders: false, topics: [{ topic, ...layout, configEntries }] });
    await untilLed(admin, topic, 1);
  });
}

/**
 * Waits until the topic has that many partitions, each with a leader. kafkajs's own wait ends with an error when the broker it asks
 * has not heard of the topic yet (code 3), which any broker of a cluster may answer for a moment: only the controller's
 * log makes a topic known to all.
 */
async function untilLed(admin: Admin, topic: string, partitions: number): Promise<void> {
  await until(
    `leaders of ${topic}`,
    async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const found = topics[0]?.partitions ?? [];
      const led = found.length >= partitions && found.every(({ leader }) => leader >= 0);
      // A leader that is named may not know of it yet (code 6): it does when it tells the partition's offsets.
      return led && (await admin.fetchTopicOffsets(topic)).length >= partitions;
    },
    Boolean,
    { withinMs: 30_000, everyMs: 50 },
  );
}

/** Grows a topic to this many partitions, and waits until they are led. */
export async function growTopic(address: string, topic: string, partitions: number): Promise<void> {
  await withAdmin(address, async (admin) => {
    try {
      await admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
    } catch (thrown) {
      // kafkajs asks again when an answer is late; the second time it has that many already.
      if (!isAnswer(thrown, "INVALID_PARTITIONS")) throw thrown;
    }
    await untilLed(admin, topic, partitions);
  });
}

/** Sets a topic's settings: those that are not named fall back to the broker's. */
export async function alterTopic(
  address: string,
  topic: string,
  config: Readonly<Record<string, string>>,
): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }];
  await withAdmin(address, (admin) => admin.alterConfigs({ validateOnly: false, resources }));
}

/** Begins to move partitions to other brokers; the preferred leader stands first. */
export async function reassign(
  address: string,
  topic: string,
  partitions: readonly { readonly partition: number; readonly replicas: number[] }[],
): Promise<void> {
  const partitionAssignment = [...partitions];
  await withAdmin(address, (admin) => admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] }));
}

/** Deletes a topic. */
export async function deleteTopic(address: string, topic: string): Promise<void> {
  await withAdmin(address, async (admin) => {
    try {
      await admin.deleteTopics({ topics: [topic] });
    } catch (thrown) {
      // As above: the second time it is gone already.
      if (!isAnswer(thrown, "UNKNOWN_TOPIC_OR_PARTITION")) throw thrown;
    }
  });
}

/** Whether kafkajs threw because of this answer of a broker. */
function isAnswer(thrown: unknown, type: string): boolean {
  if (!(thrown instanceof Error)) return false;
  return ("type" in thrown && thrown.type === type) || thrown.message.includes(type) || isAnswer(thrown.cause, type);
}

/** All topics of the cluster. */
export async function topicNames(address: string): Promise<readonly string[]> {
  return await withAdmin(address, (admin) => admin.listTopics());
}

/** First and next offset of each partition, by partition number. */
export async function topicOffsets(address: string, topic: string): Promise<{ low: number; high: number }[]> {
  const offsets = await withAdmin(address, (admin) => admin.fetchTopicOffsets(topic));
  return offsets
    .sort((a, b) => a.partition - b.partition)
    .map(({ low, high }) => ({ low: Number(low), high: Number(high) }));
}

/** How many records the topic holds, by offsets (not exact where the topic is compacted or transactional). */
export async function topicCount(address: string, topic: string): Promise<number> {
  const offsets = await topicOffsets(address, topic);
  return offsets.reduce((sum, { low, high }) => sum + high - low, 0);
}

/**
 * Reads the whole topic as it is now, partition by partition in the order of offsets, every CRC checked.
 * Records come one at a time and are not kept, so that a topic of any size can be read.
 *
 * @returns how many records there were.
 * @throws AppError `TOOL_MISSING` when kcat is not installed; Error when it reports anything at all.
 */
export async function readTopic(
  address: string,
  topic: string,
  onRecord: (record: TopicRecord) => void,
  isolation: Isolation = "read_uncommitted",
): Promise<number> {
  if (Bun.which("kcat") === null) {
    throw new AppError(codes.TOOL_MISSING, `read topic ${topic}: there is no \`kcat\` on the PATH`, {
      hint: "Install it (Debian, Ubuntu: apt-get install kcat), or run `npm test` as root, which does.",
    });
  }
  const mark = randomBytes(12).toString("hex");
  const format = `%p %o %T %K %S\n%k%s%h${mark}\n`;
  const checks = ["-X", "check.crcs=true", "-X", "broker.address.family=v4", "-X", `isolation.level=${isolation}`];
  const command = ["kcat", "-C", "-b", address, "-t", topic, "-o", "beginning", "-e", "-q", "-u", ...checks];
  const kcat = Bun.spawn([...command, "-f", format], { stdout: "pipe", stderr: "pipe" });
  const complaints = kcat.stderr.text();
  const parser = new KcatParser(mark, onRecord);
  for await (const chunk of kcat.stdout) parser.push(chunk);
  const said = (await complaints).trim();
  if ((await kcat.exited) !== 0 || said !== "") throw new Error(`read topic ${topic} with kcat: ${said}`);
  parser.end();
  return parser.count;
}

/** Whether records of transactions that are open or were rolled back are read too. */
export type Isolation = "read_committed" | "read_uncommitted";

/** All records of a small topic, copied. */
export async function topicRecords(
  address: string,
  topic: string,
  isolation: Isolation = "read_uncommitted",
): Promise<TopicRecord[]> {
  const records: TopicRecord[] = [];
  await readTopic(
    address,
    topic,
    (record) => {
      const { key, value } = record;
      records.push({ ...record, key: key && Buffer.from(key), value: value && Buffer.from(value) });
    },
    isolation,
  );
  return records;
}

/** Takes kcat's output apart; exported for its own test. */
export class KcatParser {
  count = 0;
  private pending = Buffer.alloc(0);
  private readonly mark: Buffer;

  constructor(
    mark: string,
    private readonly onRecord: (record: TopicRecord) => void,
  ) {
    this.mark = Buffer.from(`${mark}\n`);
  }

  push(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const data = this.pending.length === 0 ? bytes : Buffer.concat([this.pending, bytes]);
    let at = 0;
    for (let next = this.take(data, at); next !== undefined; next = this.take(data, at)) at = next;
    this.pending = Buffer.from(data.subarray(at));
  }

  /** @throws Error when the output ended inside a record. */
  end(): void {
    if (this.pending.length > 0) throw new Error(`read kcat's output: it ended inside record ${this.count}`);
  }

  /** Where the record that begins at `at` ends; undefined while it is not complete. */
  private take(data: Buffer, at: number): number | undefined {
    const lineEnd = data.indexOf(0x0a, at);
    if (lineEnd < 0) return undefined;
    const numbers = data.toString("latin1", at, lineEnd).split(" ").map(Number);
    const [partition = 0, offset = 0, timestampMs = 0, keyLength = 0, valueLength = 0] = numbers;
    if (numbers.length !== 5 || numbers.some(Number.isNaN)) {
      throw new Error(`read kcat's output: not a record: ${data.toString("latin1", at, lineEnd).slice(0, 200)}`);
    }
    const keyAt = lineEnd + 1;
    const valueAt = keyAt + Math.max(0, keyLength);
    const headersAt = valueAt + Math.max(0, valueLength);
    const markAt = headersAt <= data.length ? data.indexOf(this.mark, headersAt) : -1;
    if (markAt < 0) return undefined;
    this.onRecord({
      partition,
      offset,
      timestampMs,
      key: keyLength < 0 ? null : data.subarray(keyAt, valueAt),
      value: valueLength < 0 ? null : data.subarray(valueAt, headersAt),
      headers: data.toString("utf8", headersAt, markAt),
    });
    this.count++;
    return markAt + this.mark.length;
  }
}

type Admin = ReturnType<Kafka["admin"]>;

async function withAdmin<T>(address: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  quietTimers();
  const kafka = new Kafka({ brokers: address.split(","), logLevel: logLevel.NOTHING, retry: { retries: 8 } });
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}
