import { VirtualClock } from "../../../../shared/clock/clock.ts";
import { AppError } from "../../../../shared/errors/app-error.ts";
import { Metrics } from "../../../../shared/telemetry/metrics.ts";
import type { SinkContext } from "../../../core/context.ts";
import type { Lane } from "../../../core/lane.ts";
import type { LaneDelivery } from "../../../core/sink.ts";
import { ArrayReader } from "../../../testing/fakes/array-reader.ts";
import { fakeContext } from "../../../testing/fakes/component.ts";
import { testBatch, testLane, testValue } from "../../../testing/fakes/test-batches.ts";
import { configSchema } from "../config.ts";
import { KafkaSink } from "../sink.ts";
import { FakeBroker } from "./fake-broker.ts";

/** A sink, a lane and a broker, all in memory and on one virtual clock; crashes are a method. */
export class LaneWorld {
  readonly clock = new VirtualClock();
  readonly broker = new FakeBroker();
  readonly reader: ArrayReader;
  readonly said: string[] = [];
  /** What was said with each, the last time. */
  readonly facts = new Map<string, unknown>();
  readonly renewed: string[] = [];
  readonly metrics = new Metrics();
  /** What the topic should hold, in order. */
  readonly written: string[] = [];
  private nextSeq = 0;
  sink: KafkaSink;
  private delivery: LaneDelivery;
  private readonly signal = new AbortController().signal;

  constructor(
    private readonly settings: Partial<Parameters<ReturnType<typeof configSchema>["parse"]>[0] & object> = {},
    lane: Partial<Lane> = {},
  ) {
    this.reader = new ArrayReader(testLane("driving", lane));
    this.broker.addTopic("driving");
    this.sink = this.makeSink();
    this.delivery = this.sink.lane(this.reader);
  }

  /** Puts batches of so many records each. */
  put(...counts: readonly number[]): void {
    for (const count of counts) {
      this.reader.put(testBatch(this.reader.lane, { first: this.nextSeq, count, timeMs: this.clock.now() }));
      for (let index = 0; index < count; index++) this.written.push(`line ${this.nextSeq + index}`);
      this.nextSeq += count;
    }
  }

  /** Puts one batch whose middle record is large. */
  putLarge(count = 1): void {
    const first = this.nextSeq;
    const valueBytes = (seq: number) => (seq === first + (count >> 1) ? 600 : 0);
    this.reader.put(testBatch(this.reader.lane, { first, count, timeMs: this.clock.now(), valueBytes }));
    for (let seq = first; seq < first + count; seq++) this.written.push(`${testValue(seq, valueBytes(seq))}`);
    this.nextSeq += count;
  }

  /** Numbers that never come: somebody moved their batches out of the channel. */
  skip(count: number): void {
    this.nextSeq += count;
  }

  /** Puts a marker for records that policy dropped. */
  shed(count: number): void {
    const first = this.nextSeq;
    this.reader.put(testBatch(this.reader.lane, { first, count, kind: "shed", timeMs: this.clock.now() }));
    this.written.push(`line ${first}`);
    this.nextSeq += count;
  }

  /** Time goes by, here and at the broker. */
  advance(ms: number): void {
    this.clock.advance(ms);
    this.broker.timeMs += ms;
  }

  /** One delivery, as the runner does it; answers how it ended. */
  async step(): Promise<string> {
    const batch = this.reader.next();
    if (batch === undefined) return "idle";
    this.reader.lease(batch);
    this.advance(1);
    try {
      const delivery = await this.delivery.deliver(batch, this.signal);
      this.reader.end(batch, delivery);
      return delivery.kind;
    } catch (thrown) {
      if (thrown instanceof AppError) return thrown.code;
      throw thrown;
    }
  }

  /** Steps until nothing is held, or the lane stops. */
  async drain(stepsMax = 200): Promise<string> {
    for (let steps = 0; steps < stepsMax; steps++) {
      const ended = await this.step();
      if (ended === "idle" || ended === "KAFKA_SESSION_FENCED") return ended;
    }
    return "still busy";
  }

  /** kill -9 of the edge: a new process on what was durable. */
  crash(how: { reboot?: boolean } = {}): void {
    if (how.reboot === true) this.clock.reboot();
    this.reader.crash();
    this.sink = this.makeSink();
    this.delivery = this.sink.lane(this.reader);
  }

  get laneStatus(): Readonly<Record<string, unknown>> | undefined {
    return this.delivery.status?.();
  }

  get counted(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.reader.counters);
  }

  get inTopic(): readonly string[] {
    return this.broker.values("driving");
  }

  private makeSink(): KafkaSink {
    const config = configSchema().parse({ brokers: ["broker:9092"], topic: "driving", ...this.settings });
    return new KafkaSink(config, this.context(), this.broker);
  }

  private context(): SinkContext {
    return fakeContext({
      name: "kafka",
      clock: this.clock,
      report: ({ name }, fields) => {
        this.said.push(name);
        this.facts.set(name, fields);
      },
      metrics: this.metrics,
      renewEpoch: (reason) => void this.renewed.push(reason),
    });
  }
}
