import type { SinkContext } from "../../../edge/core/context.ts";
import type { LaneDelivery } from "../../../edge/core/sink.ts";
import { type Config, configSchema } from "../../../edge/sinks/kafka/config.ts";
import { KafkaSink, linkOf } from "../../../edge/sinks/kafka/sink.ts";
import { ArrayReader } from "../../../edge/testing/fakes/array-reader.ts";
import { fakeContext } from "../../../edge/testing/fakes/component.ts";
import { testBatch, testLane, testValue } from "../../../edge/testing/fakes/test-batches.ts";
import { type Clock, systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { KafkaLink } from "../../../shared/kafka/connection/link.ts";
import type { Compression } from "../../../shared/kafka/record-batch/compression.ts";
import { topicRecords } from "../../drivers/kafka/topic.ts";

/** A sink and a lane against a real broker. Crashes of the edge are a method; answers can be lost on purpose. */
export class RealWorld implements Disposable {
  readonly reader: ArrayReader;
  readonly said: string[] = [];
  readonly renewed: string[] = [];
  readonly written: Buffer[] = [];
  readonly config: Config;
  /** The next Produce answers that never arrive. */
  loseAnswers = 0;
  link: KafkaLink;
  private sink: KafkaSink;
  private delivery: LaneDelivery;
  private nextSeq = 0;
  private readonly stopping = new AbortController();

  constructor(
    readonly topic: string,
    config: Parameters<ReturnType<typeof configSchema>["parse"]>[0] & object,
    private readonly clock: Clock = systemClock,
  ) {
    this.config = configSchema().parse({ topic, requestTimeout: "3s", connectTimeout: "2s", ...config });
    this.reader = new ArrayReader(testLane(topic));
    this.link = this.lossy();
    this.sink = new KafkaSink(this.config, this.context(), this.link);
    this.delivery = this.sink.lane(this.reader);
  }

  /** For whoever runs the lane by itself, as the engine does. */
  get lane(): LaneDelivery {
    return this.delivery;
  }

  put(count: number, options: { valueBytes?: number; compression?: Compression; timeMs?: number } = {}): void {
    const first = this.nextSeq;
    this.reader.put(testBatch(this.reader.lane, { first, count, timeMs: systemClock.now(), ...options }));
    for (let seq = first; seq < first + count; seq++) this.written.push(testValue(seq, options.valueBytes));
    this.nextSeq += count;
  }

  /** A marker for records that policy dropped. */
  shed(count: number): void {
    this.reader.put(
      testBatch(this.reader.lane, { first: this.nextSeq, count, kind: "shed", timeMs: systemClock.now() }),
    );
    this.written.push(testValue(this.nextSeq));
    this.nextSeq += count;
  }

  async step(): Promise<string> {
    const batch = this.reader.next();
    if (batch === undefined) return "idle";
    try {
      const delivery = await this.delivery.deliver(batch, this.stopping.signal);
      this.reader.end(batch, delivery);
      return delivery.kind;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.severity !== "invariant") return thrown.code;
      throw thrown;
    }
  }

  /** Steps until so many batches are delivered: a broker that has just come up may not give producer ids yet. */
  async deliver(batches: number, withinMs = 30_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (let delivered = 0; delivered < batches; ) {
      const ended = await this.step();
      if (!ended.startsWith("KAFKA")) delivered++;
      else if (performance.now() > deadline) throw new Error(`deliver ${batches} batches: still ${ended}`);
      else await Bun.sleep(50);
    }
  }

  /** Steps, with the runner's patience, until nothing is held. */
  async drain(withinMs = 30_000): Promise<string> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const ended = await this.step();
      if (ended === "idle" || ended === "KAFKA_SESSION_FENCED") return ended;
      if (performance.now() > deadline) return `still ${ended}`;
      if (ended.startsWith("KAFKA")) await Bun.sleep(50);
    }
  }

  /** kill -9 of the edge and a new process on what was durable. */
  crash(): void {
    this.link.close();
    this.reader.crash();
    this.link = this.lossy();
    this.sink = new KafkaSink(this.config, this.context(), this.link);
    this.delivery = this.sink.lane(this.reader);
  }

  /** What kcat reads, with every CRC checked. */
  async inTopic(address: string): Promise<Buffer[]> {
    return (await topicRecords(address, this.topic)).map((record) => record.value ?? Buffer.alloc(0));
  }

  get counted(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.reader.counters);
  }

  [Symbol.dispose](): void {
    this.stopping.abort();
    this.link.close();
  }

  private lossy(): KafkaLink {
    const real = linkOf(this.config, this.context());
    const produce = real.produce.bind(real);
    real.produce = async (node, batches) => {
      const answers = await produce(node, batches);
      if (this.loseAnswers === 0) return answers;
      this.loseAnswers--;
      throw new AppError("KAFKA_UNREACHABLE", "produce in a test: the answer is lost");
    };
    return real;
  }

  private context(): SinkContext {
    return fakeContext({
      name: "kafka",
      clock: this.clock,
      report: (signal) => void this.said.push(signal.name),
      renewEpoch: (reason) => void this.renewed.push(reason),
    });
  }
}
