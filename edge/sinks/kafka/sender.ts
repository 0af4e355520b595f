/**
 * Puts batches of many lanes into few requests. What is ready in the same turn of the event loop and has the same leader
 * goes out in one Produce request; while requests are in flight, more batches gather for the next. A request holds a
 * partition once (Kafka demands it): two lanes of one partition take turns.
 *
 * A broker that throttles is left alone for as long as it asks (KIP-219), and the sink's own limit in bytes a second is
 * spent per request.
 */
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { BrokerNode, KafkaLink, PartitionBatch, ProduceAnswer } from "../../../shared/kafka/connection/link.ts";
import { sizeOf } from "../../../shared/kafka/messages/produce.ts";
import type { Telemetry } from "./telemetry.ts";
import type { TokenBucket } from "./token-bucket.ts";

export interface SenderOptions {
  readonly link: KafkaLink;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Undefined: as fast as it goes. */
  readonly limit: TokenBucket | undefined;
}

/** One request travels while the next is written; more would only hold memory, since a broker works on one at a time. */
const requestsInFlightMax = 2;
/** Far below the broker's socket.request.max.bytes (100 MiB), and a bound for what a request costs in memory. */
const requestBytesMax = 4 * 1024 * 1024;

interface Waiting {
  readonly batch: PartitionBatch;
  readonly resolve: (answer: ProduceAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Line {
  /** As metadata named it last; the address may change. */
  node: BrokerNode;
  waiting: Waiting[];
  inFlight: number;
  scheduled: boolean;
  /** Uptime before which the broker wants no request. */
  quietUntilMs: number;
}

export class Sender {
  private readonly lines = new Map<string, Line>();

  constructor(private readonly options: SenderOptions) {}

  /**
   * Sends one batch and gives the broker's answer for it.
   *
   * @throws AppError `KAFKA_UNKNOWN_OUTCOME` when the signal aborts: it may be under way; or what the link throws.
   */
  send(node: BrokerNode, batch: PartitionBatch, signal: AbortSignal): Promise<ProduceAnswer> {
    const line = this.lineTo(node);
    return new Promise((resolve, reject) => {
      const aborted = () => {
        line.waiting = line.waiting.filter((each) => each !== waiting);
        reject(new AppError("KAFKA_UNKNOWN_OUTCOME", `send to ${batch.topic}/${batch.partition}: stopped meanwhile`));
      };
      const waiting: Waiting = {
        batch,
        resolve: (answer) => {
          signal.removeEventListener("abort", aborted);
          resolve(answer);
        },
        reject: (error) => {
          signal.removeEventListener("abort", aborted);
          reject(error);
        },
      };
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted, { once: true });
      line.waiting.push(waiting);
      this.schedule(line, 0);
    });
  }

  private lineTo(node: BrokerNode): Line {
    const key = `${node.clusterId}/${node.nodeId}`;
    let line = this.lines.get(key);
    if (line === undefined) {
      line = { node, waiting: [], inFlight: 0, scheduled: false, quietUntilMs: 0 };
      this.lines.set(key, line);
    }
    line.node = node;
    return line;
  }

  private schedule(line: Line, delayMs: number): void {
    if (line.scheduled) return;
    line.scheduled = true;
    const go = () => {
      line.scheduled = false;
      this.flush(line);
    };
    if (delayMs > 0) setTimeout(go, delayMs);
    else setImmediate(go);
  }

  private flush(line: Line): void {
    const { clock, limit, telemetry } = this.options;
    while (line.waiting.length > 0 && line.inFlight < requestsInFlightMax) {
      const nowMs = clock.uptimeMs();
      const waitMs = Math.max(line.quietUntilMs - nowMs, limit?.waitMs(nowMs) ?? 0);
      if (waitMs > 0) {
        this.schedule(line, Math.ceil(waitMs));
        return;
      }
      const request = takeRequest(line);
      const bytes = request.reduce((sum, { batch }) => sum + sizeOf(batch), 0);
      limit?.spend(bytes, nowMs);
      telemetry.metrics.requests.add(1);
      telemetry.metrics.bytes.add(bytes);
      line.inFlight++;
      this.carry(line, request);
    }
  }

  private carry(line: Line, request: readonly Waiting[]): void {
    const { link, clock, telemetry } = this.options;
    const done = () => {
      line.inFlight--;
      if (line.waiting.length > 0) this.schedule(line, 0);
    };
    const batches = request.map(({ batch }) => batch);
    link.produce(line.node, batches).then(
      (answers) => {
        const throttleMs = answers[0]?.throttleMs ?? 0;
        if (throttleMs > 0) {
          line.quietUntilMs = clock.uptimeMs() + throttleMs;
          telemetry.metrics.throttledMs.add(throttleMs);
        }
        request.forEach((waiting, index) => {
          const answer = answers[index];
          if (answer !== undefined) waiting.resolve(answer);
          else waiting.reject(new AppError("KAFKA_UNKNOWN_OUTCOME", "read a Produce response: an answer is missing"));
        });
        done();
      },
      (error: unknown) => {
        for (const waiting of request) waiting.reject(error);
        done();
      },
    );
  }
}

/** The first of those that wait, as many as one request may hold. */
function takeRequest(line: Line): readonly Waiting[] {
  const taken: Waiting[] = [];
  const left: Waiting[] = [];
  const partitions = new Set<string>();
  let bytes = 0;
  for (const waiting of line.waiting) {
    const partition = `${waiting.batch.topic}/${waiting.batch.partition}`;
    const fits = taken.length === 0 || bytes + sizeOf(waiting.batch) <= requestBytesMax;
    if (!fits || partitions.has(partition)) {
      left.push(waiting);
      continue;
    }
    partitions.add(partition);
    bytes += sizeOf(waiting.batch);
    taken.push(waiting);
  }
  line.waiting = left;
  return taken;
}
