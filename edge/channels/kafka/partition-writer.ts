/**
 * Brings parts into one partition, in order, one in flight. Each is sent as the same bytes under the same numbers of an
 * idempotent producer until the broker has answered for it, so a repeat within this process is recognised.
 *
 * Nothing of the producer is stored: a process that was killed does not know what it had sent, and its sources read again.
 */
import type { Backoff } from "../../../shared/async/backoff.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { readCommitted } from "../../../shared/kafka/connection/committed-batches.ts";
import type { BrokerNode, KafkaLink, ProducerId } from "../../../shared/kafka/connection/link.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import { readBatchHeader, stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { splitBatch } from "../../core/split-batch.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { codes } from "./codes.ts";

/** A part on its way, and who is told of its end. */
export interface WriterPart {
  readonly batch: PutBatch;
  /** Records of it that the topic has. */
  taken(count: number): void;
  /** Records of it that the topic will never take. */
  refused(count: number, reason: string): void;
}

/** What a partition's writer asks for. */
export interface WriterHost {
  readonly link: Pick<KafkaLink, "ready" | "initProducerId" | "produce" | "endOffset" | "readLog">;
  readonly topic: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly backoff: () => Backoff;
  /** Who leads the partition, asked anew after `doubtRoute`. @throws AppError why nobody does. */
  leader(partition: number): Promise<BrokerNode>;
  doubtRoute(): void;
  /** The topic took something, or what kept it from that. */
  worked(): void;
  failed(error: AppError): void;
  maybeRepeated(partition: number, count: number): void;
  /** Waits until it is worth trying again. */
  pause(ms: number): Promise<void>;
}

/** A broker forgets a producer after a day (`producer.id.expiration.ms`); a tenth for two clocks that do not run alike. */
const rememberedMs = 24 * 3_600_000 * 0.9;
const hourMs = 3_600_000;
/** Before this a wall clock has not been set yet. */
const plausibleMs = 1_690_000_000_000;
const sequences = 2 ** 31;
/** Answers of brokers that do not let us read the log, now or later. */
const cannotEver: ReadonlySet<number> = new Set([
  errors.TOPIC_AUTHORIZATION_FAILED,
  errors.CLUSTER_AUTHORIZATION_FAILED,
  errors.UNSUPPORTED_VERSION,
]);

interface Queued {
  readonly part: WriterPart;
  readonly batch: PutBatch;
  /** Since when it may be in the log without our knowing, by uptime; undefined: it is not there. */
  doubtSinceMs: number | undefined;
  /** It was said that it may be there twice. */
  isCounted: boolean;
  /** How often its time stamps were refused since it was tried as of now. */
  timesRefused: number;
  /** How often it arrived damaged. */
  timesDamaged: number;
}

export class PartitionWriter {
  private readonly queue: Queued[] = [];
  private running = false;
  private producer: (ProducerId & { readonly clusterId: string }) | undefined;
  private sequence = 0;
  /** What goes out under this producer and has no answer stands at this offset or behind it; undefined: nobody said. */
  private readFrom: number | undefined;

  constructor(
    private readonly partition: number,
    private readonly host: WriterHost,
  ) {}

  push(part: WriterPart): void {
    this.queue.push(queued(part, part.batch));
    if (!this.running) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    const { host } = this;
    const backoff = host.backoff();
    for (let head = this.queue[0]; head !== undefined && !host.signal.aborted; head = this.queue[0]) {
      try {
        await this.send(head);
        host.worked();
        backoff.reset();
      } catch (thrown) {
        if (host.signal.aborted) break;
        host.doubtRoute();
        host.failed(asTransient(thrown));
        await host.pause(backoff.nextMs());
      }
    }
    this.running = false;
  }

  /** One try. Returns when the part is at its end, was cut, or goes out anew at once. @throws AppError to be tried again later. */
  private async send(head: Queued): Promise<void> {
    const { host, partition } = this;
    const { batch } = head;
    const node = await host.leader(partition);
    await host.link.ready(node);
    if (this.producer !== undefined && this.producer.clusterId !== node.clusterId) this.forgetProducer(head);
    this.producer ??= await this.newProducer(node);
    const { producerId, producerEpoch } = this.producer;
    const shiftMs = this.shiftMs(head);
    stampBatch(batch.bytes, batch.recordsCrc, { producerId, producerEpoch, baseSequence: this.sequence, shiftMs });
    const nowMs = host.clock.uptimeMs();
    const isFirst = head.doubtSinceMs === undefined;
    if (head.doubtSinceMs !== undefined && nowMs - head.doubtSinceMs > rememberedMs) this.countRepeat(head);
    head.doubtSinceMs ??= nowMs;
    const [answer] = await host.link.produce(node, [{ topic: host.topic, partition, bytes: batch.bytes }]);
    const errorCode = answer?.errorCode ?? errors.NETWORK_EXCEPTION;
    // The only send of it was answered, and not by an append.
    const takeBack = () => {
      if (isFirst) head.doubtSinceMs = undefined;
    };
    const refused = `the broker answered ${errorName(errorCode)}`;
    switch (errorCode) {
      case errors.NONE:
        if (answer !== undefined && answer.baseOffset >= 0) this.readFrom = answer.baseOffset + batch.count;
        this.end(head);
        return;
      case errors.DUPLICATE_SEQUENCE_NUMBER:
        await this.prove(head, node);
        return;
      case errors.OUT_OF_ORDER_SEQUENCE_NUMBER:
      case errors.INVALID_PRODUCER_EPOCH:
      case errors.PRODUCER_FENCED:
      case errors.UNKNOWN_PRODUCER_ID:
        takeBack();
        this.forgetProducer(head);
        return;
      case errors.MESSAGE_TOO_LARGE:
      case errors.RECORD_LIST_TOO_LARGE:
      case errors.INVALID_RECORD:
      case errors.UNSUPPORTED_FOR_MESSAGE_FORMAT:
      case errors.POLICY_VIOLATION:
        takeBack();
        this.cut(head, refused);
        return;
      case errors.CORRUPT_MESSAGE:
        takeBack();
        if (++head.timesDamaged > 3) this.cut(head, refused);
        return;
      case errors.INVALID_TIMESTAMP:
        takeBack();
        if (head.timesRefused === 0) {
          head.timesRefused = 1;
          return;
        }
        // No clock can be further ahead than that: from here on it is tried as of now again, for it may be set meanwhile.
        head.timesRefused = this.isSteppedBackWhole(head) ? 1 : head.timesRefused + 1;
        throw new AppError("KAFKA_CLOCK", this.doing(batch, errorCode));
      case errors.TOPIC_AUTHORIZATION_FAILED:
      case errors.CLUSTER_AUTHORIZATION_FAILED:
        takeBack();
        throw new AppError("KAFKA_UNAUTHORIZED", this.doing(batch, errorCode));
      case errors.NOT_ENOUGH_REPLICAS:
        takeBack();
        throw new AppError("KAFKA_NOT_ENOUGH_REPLICAS", this.doing(batch, errorCode));
      default:
        throw new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, this.doing(batch, errorCode));
    }
  }

  /** All of it is there for good. */
  private end(head: Queued): void {
    this.sequence = (this.sequence + head.batch.count) % sequences;
    this.queue.shift();
    head.part.taken(head.batch.count);
  }

  /**
   * 46 says what the leader has, and the leader may lose it with its leadership (shared/decisions/0014). So it is read back from where
   * it is committed. Who may not read sends it again under another producer, and it may be there twice.
   *
   * @throws AppError as long as it is not committed: the same bytes again, to whoever leads then.
   */
  private async prove(head: Queued, node: BrokerNode): Promise<void> {
    const { link, topic } = this.host;
    const { partition, producer, readFrom: from } = this;
    if (producer === undefined || from === undefined) return this.forgetProducer(head);
    let isThere = false;
    const read = await readCommitted(link, { node, topic, partition, from }, (header) => {
      isThere ||=
        header.producerId === producer.producerId &&
        header.producerEpoch === producer.producerEpoch &&
        header.baseSequence === this.sequence;
    });
    if (isThere) return this.end(head);
    const what = `send ${head.batch.count} events to ${topic}/${partition}`;
    if (read.kind === "read") {
      throw new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, `${what}: the leader has them, and its followers not yet`);
    }
    if (read.kind === "deleted" || cannotEver.has(read.errorCode)) return this.forgetProducer(head);
    throw new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, `${what}: ${read.doing} the log: ${errorName(read.errorCode)}`);
  }

  private doing({ count }: PutBatch, errorCode: number): string {
    return `send ${count} events to ${this.host.topic}/${this.partition}: ${errorName(errorCode)}`;
  }

  /** The parts of what is too large, or holds what is refused, take its place; an event that is alone goes for ever. */
  private cut(head: Queued, reason: string): void {
    this.queue.shift();
    // The whole may be there: the parts go out under other numbers.
    if (head.doubtSinceMs !== undefined) this.countRepeat(head);
    if (head.batch.count === 1) head.part.refused(1, reason);
    else this.queue.unshift(...splitBatch(head.batch).map((batch) => queued(head.part, batch)));
  }

  /** The next send is under another one; what is in doubt may be there twice then. */
  private forgetProducer(head: Queued): void {
    this.producer = undefined;
    if (head.doubtSinceMs === undefined) return;
    this.countRepeat(head);
    head.doubtSinceMs = undefined;
  }

  /** It may be there twice. Said once of a batch, however often it is tried. */
  private countRepeat(head: Queued): void {
    if (!head.isCounted) this.host.maybeRepeated(this.partition, head.batch.count);
    head.isCounted = true;
  }

  private async newProducer(node: BrokerNode): Promise<ProducerId & { readonly clusterId: string }> {
    const answer = await this.host.link.initProducerId(node);
    if (!("producerId" in answer)) {
      const message = `ask for a producer id: ${errorName(answer.errorCode)}`;
      throw new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, message);
    }
    const end = await this.host.link.endOffset(node, this.host.topic, this.partition);
    this.sequence = 0;
    this.readFrom = end.errorCode === errors.NONE ? end.offset : undefined;
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch, clusterId: node.clusterId };
  }

  private isSteppedBackWhole({ timesRefused }: Queued): boolean {
    return timesRefused > 0 && this.host.clock.now() - steppedBackMs(timesRefused) <= plausibleMs;
  }

  /**
   * A topic that keeps the producer's time deletes by it: what was read from an old log would be gone before a sink took it. So it
   * goes out as of now, as a Flume's events do; the event's own time is in the identity. Time stamps that the topic refused are moved
   * to now, and then back by hours: our clock may be ahead. Moved once, a batch is in order, so a repeat has the same bytes.
   */
  private shiftMs({ batch, timesRefused }: Queued): number {
    const nowMs = this.host.clock.now();
    const { maxTimestampMs } = readBatchHeader(batch.bytes);
    if (timesRefused > 0) return Math.max(plausibleMs, nowMs - steppedBackMs(timesRefused)) - maxTimestampMs;
    const lateMs = nowMs - maxTimestampMs;
    const isOff = lateMs > hourMs || -lateMs > hourMs / 2;
    // A clock that was never set moves nothing.
    return isOff && nowMs > plausibleMs ? lateMs : 0;
  }
}

/** How far back it goes after so many refusals: nothing, one hour, three, seven, … */
function steppedBackMs(timesRefused: number): number {
  return (2 ** (timesRefused - 1) - 1) * hourMs;
}

function queued(part: WriterPart, batch: PutBatch): Queued {
  return { part, batch, doubtSinceMs: undefined, isCounted: false, timesRefused: 0, timesDamaged: 0 };
}

/** Whatever it was, the part stays and is tried again. */
function asTransient(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  return new AppError(codes.KAFKA_CHANNEL_NOT_TAKEN, "send events to Kafka", { cause: thrown });
}
