/**
 * A few requests of Kafka's protocol by hand, to one broker and no other: what *this* broker believes, past every
 * client's own idea of whom to ask. Each opens a connection, asks, and closes it; a poll costs a millisecond, not a JVM.
 */
import { connect } from "node:net";

const apiKeys = { listOffsets: 2, metadata: 3, electLeaders: 43 } as const;

/** One partition, as a broker sees it. */
export interface PartitionView {
  readonly partition: number;
  /** −1 when there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

/** The cluster, as a broker sees it. */
export interface ClusterView {
  /** Node ids of the brokers that take requests: fenced ones are not in it. */
  readonly brokers: readonly number[];
  readonly partitions: readonly PartitionView[];
}

/** What a broker says about the cluster and, if one is named, a topic. */
export async function clusterView(port: number, topic?: string, withinMs = 500): Promise<ClusterView> {
  const body = new Writer().int32(topic === undefined ? 0 : 1);
  if (topic !== undefined) body.text(topic);
  const answer = await ask(port, { apiKey: apiKeys.metadata, version: 1, body, withinMs });
  const brokers = answer.array(() => {
    const id = answer.int32();
    answer.text(); // host
    answer.int32(); // port
    answer.text(); // rack
    return id;
  });
  answer.int32(); // controller
  const topics = answer.array(() => {
    answer.int16(); // error
    answer.text(); // name
    answer.int8(); // internal
    return answer.array(() => {
      answer.int16(); // error: what it means shows in the leader
      const [partition, leader] = [answer.int32(), answer.int32()];
      return {
        partition,
        leader,
        replicas: answer.array(() => answer.int32()),
        isr: answer.array(() => answer.int32()),
      };
    });
  });
  return { brokers, partitions: topics.flat().sort((a, b) => a.partition - b.partition) };
}

/** Which end of a partition's log: what consumers may see, or all that this replica has. */
export type LogEnd = "highWatermark" | "replica";

/** Next offset of a partition on one broker; asked as a replica that debugs (−2), it answers with its own log's end. */
export async function logEnd(port: number, topic: string, partition: number, end: LogEnd): Promise<number> {
  const body = new Writer().int32(end === "replica" ? -2 : -1);
  body.int32(1).text(topic).int32(1).int32(partition).int64(-1n);
  const answer = await ask(port, { apiKey: apiKeys.listOffsets, version: 1, body, withinMs: 2_000 });
  const [offset = -1] = answer
    .array(() => {
      answer.text();
      return answer.array(() => {
        answer.int32();
        const error = answer.int16();
        answer.int64(); // time stamp
        const found = Number(answer.int64());
        if (error !== 0) throw new Error(`ask for the end of ${topic}/${partition}: error ${error}`);
        return found;
      });
    })
    .flat();
  return offset;
}

/** Asks for an election: of the preferred replica, or of any that lives, with what it has (unclean). */
export async function electLeaders(
  port: number,
  how: "preferred" | "unclean",
  topic: string,
  partitions: readonly number[],
): Promise<void> {
  const body = new Writer()
    .int8(how === "preferred" ? 0 : 1)
    .int32(1)
    .text(topic)
    .int32(partitions.length);
  for (const partition of partitions) body.int32(partition);
  body.int32(10_000);
  const answer = await ask(port, { apiKey: apiKeys.electLeaders, version: 1, body, withinMs: 15_000 });
  answer.int32(); // throttled for
  const whole = answer.int16();
  const errors = answer.array(() => {
    answer.text();
    return answer.array(() => {
      const partition = answer.int32();
      const error = answer.int16();
      answer.text(); // message
      return { partition, error };
    });
  });
  // 84: it leads already.
  const failed = errors.flat().filter(({ error }) => error !== 0 && error !== 84);
  if (whole !== 0 || failed.length > 0)
    throw new Error(`elect leaders of ${topic}: ${whole} ${JSON.stringify(failed)}`);
}

interface Question {
  readonly apiKey: number;
  readonly version: number;
  readonly body: Writer;
  readonly withinMs: number;
}

function ask(port: number, { apiKey, version, body, withinMs }: Question): Promise<Reader> {
  const head = new Writer().int16(apiKey).int16(version).int32(1).int16(-1); // correlation id 1, no client id
  const request = Buffer.concat([head.bytes, body.bytes]);
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const socket = connect(port, "127.0.0.1", () => socket.write(Buffer.concat([sized(request.length), request])));
    const timer = setTimeout(() => fail(`no answer within ${withinMs} ms`), withinMs);
    const fail = (why: string) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(`ask the broker on port ${port} (api key ${apiKey}): ${why}`));
    };
    socket.on("error", ({ message }) => fail(message));
    socket.on("close", () => fail("the connection was closed"));
    socket.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return;
      clearTimeout(timer);
      socket.destroy();
      resolve(new Reader(answer.subarray(8))); // past length and correlation id
    });
  });
}

function sized(length: number): Buffer {
  return new Writer().int32(length).bytes;
}

class Writer {
  private readonly parts: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  int8(value: number): this {
    return this.put(1, (bytes) => bytes.writeInt8(value));
  }

  int16(value: number): this {
    return this.put(2, (bytes) => bytes.writeInt16BE(value));
  }

  int32(value: number): this {
    return this.put(4, (bytes) => bytes.writeInt32BE(value));
  }

  int64(value: bigint): this {
    return this.put(8, (bytes) => bytes.writeBigInt64BE(value));
  }

  text(value: string): this {
    this.int16(Buffer.byteLength(value));
    this.parts.push(Buffer.from(value));
    return this;
  }

  private put(size: number, write: (bytes: Buffer) => void): this {
    const bytes = Buffer.alloc(size);
    write(bytes);
    this.parts.push(bytes);
    return this;
  }
}

class Reader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  int8(): number {
    return this.bytes.readInt8(this.move(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.move(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.move(4));
  }

  int64(): bigint {
    return this.bytes.readBigInt64BE(this.move(8));
  }

  text(): string {
    const length = Math.max(0, this.int16());
    return this.bytes.toString("utf8", this.move(length), this.at);
  }

  array<T>(read: () => T): T[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read);
  }

  /** Where the field begins; the next one begins after it. */
  private move(size: number): number {
    const from = this.at;
    this.at += size;
    return from;
  }
}
