/**
 * Brings one lane's batches to central, one in flight. The answer comes after the commit of its store, so success means
 * that the batch is there; no answer means that nobody knows, and the same bytes go again: central knows each record by its
 * identity. Therefore nothing is remembered here between two batches, and nothing has to be durable.
 */
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { readBatchHeader, stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { asZstd, signatureOf } from "../../../shared/kafka/record-batch/signature.ts";
import type { SigningKey } from "../../../shared/signature/keys.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { viaOf } from "../../core/carried.ts";
import type { SinkContext } from "../../core/context.ts";
import type { Lane } from "../../core/lane.ts";
import type { Delivery, LaneDelivery } from "../../core/sink.ts";
import { splitBatch } from "../../core/split-batch.ts";
import type { StoredBatch } from "../../core/stored-batch.ts";
import { codes as recordCodes } from "../../records/codes.ts";
import type { Comeback } from "../../records/comeback.ts";
import { errorOf, type HttpAnswer } from "../../records/http-peer.ts";
import { foreignAnswer, isProblemOfCentral, problemOf, verdictOf } from "./answer.ts";
import { codes } from "./codes.ts";
import { type RelayMetrics, signals } from "./telemetry.ts";

/** What all lanes of a sink share. */
export interface RelayTools {
  readonly context: SinkContext;
  readonly report: Report;
  readonly metrics: RelayMetrics;
  readonly comeback: Comeback;
  readonly signingKey: SigningKey | undefined;
  /** @throws AppError `EDGE_DESTINATION_AWAY` when there is no whole answer in time. */
  post(body: Uint8Array, signal: AbortSignal, via: readonly string[]): Promise<HttpAnswer>;
}

/** A batch that central cannot read may have been damaged on the way: this often it is sent before it is refused. */
const unreadableTriesMax = 3;
/** Nobody's: no broker has to tell a repeat by it. */
const noProducer = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

export class RelayLane implements LaneDelivery {
  private unreachable = false;
  private unreadableTries = 0;
  private looked = false;
  /** Numbers below it were posted without an answer that says that they were not taken. */
  private inDoubtBelow = 0;

  constructor(
    private readonly lane: Lane,
    private readonly tools: RelayTools,
  ) {}

  async deliver(batch: StoredBatch, signal: AbortSignal): Promise<Delivery> {
    this.unreachable = false;
    if (!this.looked) checkIdentity(batch);
    this.looked = true;
    const inDoubtBefore = this.inDoubtBelow;
    const answer = await this.post(batch, signal);
    const meaning = verdictOf(answer, recordsIn(batch));
    if (meaning === "taken") {
      this.unreadableTries = 0;
      this.tools.metrics.batches.add(1);
      return { kind: "delivered" };
    }
    // Whatever else it says, it has committed nothing; only a server that fails may have, or who says yes in other words.
    // It does not speak of an earlier try.
    if (answer.status >= 300 && answer.status < 500) this.inDoubtBelow = inDoubtBefore;
    if (meaning === "too_large" && batch.kind === "records" && batch.count > 1) return this.split(batch);
    if (meaning === "too_large" && isProblemOfCentral(answer)) return this.refuse(batch, answer);
    if (meaning === "refused" && ++this.unreadableTries >= unreadableTriesMax) return this.refuse(batch, answer);
    this.tools.metrics.putOff.add(1);
    if (problemOf(answer) === recordCodes.EDGE_RELAY_RING.name) {
      // It takes it never, and never did: that settles earlier tries too.
      this.inDoubtBelow = Math.min(this.inDoubtBelow, batch.first);
      throw new AppError(recordCodes.EDGE_RELAY_RING, errorOf(answer, describe(batch)).message, { nothingSent: true });
    }
    if (meaning === "wrong" || meaning === "too_large") throw foreignAnswer(answer, describe(batch));
    throw this.notNow(batch, answer);
  }

  /** Only what could not be reached is waited for: who was put off tries again no sooner because a port is open. */
  back(signal: AbortSignal): Promise<void> {
    if (this.unreachable) return this.tools.comeback.wait(signal);
    return new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  mayHave({ first, count }: StoredBatch): number {
    return first < this.inDoubtBelow ? count : 0;
  }

  private async post(batch: StoredBatch, signal: AbortSignal): Promise<HttpAnswer> {
    const { metrics } = this.tools;
    const body = this.bodyOf(batch);
    metrics.requests.add(1);
    metrics.bytes.add(body.length);
    const inDoubtBefore = this.inDoubtBelow;
    this.inDoubtBelow = Math.max(inDoubtBefore, batch.first + batch.count);
    try {
      return await this.tools.post(body, signal, this.viaOf(batch));
    } catch (thrown) {
      metrics.putOff.add(1);
      this.unreachable = hasCode(thrown, "EDGE_DESTINATION_AWAY", recordCodes.EDGE_DESTINATION_TLS);
      if (thrown instanceof AppError && thrown.nothingSent) this.inDoubtBelow = inDoubtBefore;
      throw thrown;
    }
  }

  /**
   * The batch as it lies in the channel. Another member of a group may have stamped its header for Kafka, or for a
   * signature that does not follow here: the header is written anew, on a copy.
   */
  private bodyOf(batch: StoredBatch): Buffer {
    // What others made, others have signed, or nobody: their names are not ours to sign for.
    const signingKey = this.lane.carries === true ? undefined : this.tools.signingKey;
    const out = signingKey === undefined ? batch : asZstd(batch);
    const trailer = signingKey && signatureOf(out.bytes, signingKey);
    const body = trailer === undefined ? Buffer.from(out.bytes) : Buffer.concat([out.bytes, trailer]);
    const own = trailer === undefined ? body : body.subarray(0, out.bytes.length);
    stampBatch(own, out.recordsCrc, { ...noProducer, trailer });
    return body;
  }

  /** Of what other agents made: by whom it came here, and that it came by us. A circle of aggregators is known by it. */
  private viaOf({ carried }: StoredBatch): readonly string[] {
    return carried === undefined ? [] : [...viaOf(carried), this.tools.context.agent];
  }

  private split(batch: StoredBatch): Delivery {
    const { stream } = this.lane;
    this.tools.report(signals.split, { stream, first: batch.first, records: batch.count, bytes: batch.bytes.length });
    return { kind: "split", parts: splitBatch(batch) };
  }

  private refuse(batch: StoredBatch, answer: HttpAnswer): Delivery {
    this.unreadableTries = 0;
    return { kind: "refused", code: "EDGE_RECORD_REFUSED", reason: errorOf(answer, describe(batch)).message };
  }

  private notNow(batch: StoredBatch, answer: HttpAnswer): AppError {
    const error = errorOf(answer, describe(batch));
    if (error.code === "EDGE_RECORD_REFUSED") {
      this.tools.report(signals.damaged, { stream: this.lane.stream, first: batch.first, answer: error.message });
      return new AppError("EDGE_DESTINATION_AWAY", error.message);
    }
    const { retryAfterMs } = error;
    if (retryAfterMs === undefined) return error;
    // A fleet that was put off at the same moment does not come back in the same moment.
    const spread = retryAfterMs * (1 + this.tools.context.random.next());
    return new AppError(error.declared, error.message, { retryAfterMs: spread });
  }
}

/** @throws AppError `EDGE_RELAY_IDENTITY`: central would refuse it, and all that comes after it. */
function checkIdentity(batch: StoredBatch): void {
  const [first] = decodeRecords(batch.bytes);
  invariant(first !== undefined, "a stored batch holds records");
  if (first.headers.some(({ name }) => name === IDENTITY_HEADER)) return;
  throw new AppError(codes.EDGE_RELAY_IDENTITY, `${describe(batch)}: the records have no identity`);
}

/** A marker is one record, whatever it stands for. */
function recordsIn({ bytes }: StoredBatch): number {
  return readBatchHeader(bytes).recordCount;
}

function describe({ first, count }: StoredBatch): string {
  return `relay numbers ${first} to ${first + count - 1}`;
}
