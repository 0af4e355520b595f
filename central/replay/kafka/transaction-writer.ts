/**
 * Writes records and the job's progress in one Kafka transaction: both count, or neither does.
 *
 *     begin      InitProducerId ends what an earlier process of the job left open, and fences it. Then what the group has
 *                committed is the truth about how far the job is
 *     transact   AddPartitions → Produce → AddOffsets → TxnOffsetCommit → EndTxn
 *
 * Why a transaction and not an idempotent producer alone: that one is known to a broker for a day after its last batch. A job that
 * was killed between a batch and its note of it, and goes on after a weekend, would write the batch twice. The group's
 * offsets say to which side of the batch it died, for as long as Kafka keeps them (seven days by default).
 */
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { BrokerNode, PartitionBatch, ProducerId } from "../../../shared/kafka/connection/link.ts";
import { errorName, errors } from "../../../shared/kafka/error-codes.ts";
import type { Message } from "../../../shared/kafka/message.ts";
import { initTransactionsMessage } from "../../../shared/kafka/messages/init-producer-id.ts";
import { metadataMessage } from "../../../shared/kafka/messages/metadata.ts";
import { produceMessage } from "../../../shared/kafka/messages/produce.ts";
import {
  addOffsetsMessage,
  addPartitionsMessage,
  endTransactionMessage,
  findCoordinatorMessage,
  type GroupOffset,
  offsetFetchMessage,
  txnOffsetCommitMessage,
} from "../../../shared/kafka/messages/transactions.ts";
import { codes } from "../codes.ts";
import { type CopiedRecord, writeCopies } from "../copy-batch.ts";
import type { Cluster } from "./cluster.ts";

/** A transaction that is left open by a process that died is rolled back by Kafka after this, if nobody comes before. */
const transactionMsMax = 60_000;
const produceMsMax = 20_000;
/** After the end of one transaction its markers are written for some milliseconds, and the next one is told to wait. */
const busyRetryMs = 20;
const busyTriesMax = 250;

/** Uncompressed bytes of a batch: below every topic's usual max.message.bytes, whatever compresses how. */
const batchBytesMax = 512 * 1024;

/** Records for one partition of the target, in order. */
export interface CopiesOfPartition {
  readonly partition: number;
  readonly records: readonly CopiedRecord[];
}

export class TransactionWriter {
  private producer: ProducerId | undefined;
  private readonly sequences = new Map<number, number>();
  private coordinators: { readonly transaction: BrokerNode; readonly group: BrokerNode } | undefined;

  /** `id`: of the transactions and of the group, both nobody else's. */
  constructor(
    private readonly cluster: Cluster,
    private readonly id: string,
    private readonly topic: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @throws AppError `CENTRAL_REPLAY_KAFKA` or `KAFKA_UNREACHABLE`; to be begun again after any failure. */
  async begin(): Promise<readonly GroupOffset[]> {
    this.producer = undefined;
    this.sequences.clear();
    this.coordinators = { transaction: await this.coordinator("transaction"), group: await this.coordinator("group") };
    const message = initTransactionsMessage(this.id, transactionMsMax);
    const answer = await this.whenFree(() => this.send("transaction", message));
    if (!("producerId" in answer)) throw this.refused("begin transactions", answer.errorCode);
    this.producer = answer;
    const { errorCode, offsets } = await this.whenFree(() => this.send("group", offsetFetchMessage(this.id)));
    if (errorCode !== errors.NONE) throw this.refused("read the job's progress", errorCode);
    return offsets;
  }

  async transact(copies: readonly CopiesOfPartition[], offsets: readonly GroupOffset[]): Promise<void> {
    const { producer } = this;
    if (producer === undefined) throw this.refused("write a transaction", errors.UNKNOWN_PRODUCER_ID);
    const transaction = { ...producer, transactionalId: this.id };
    const partitions = copies.map(({ partition }) => partition);
    await this.must("add partitions", "transaction", addPartitionsMessage(transaction, this.topic, partitions));
    for (const each of copies) await this.produce(each, producer);
    await this.must("add the job's progress", "transaction", addOffsetsMessage(transaction, this.id));
    await this.must("write the job's progress", "group", txnOffsetCommitMessage(transaction, this.id, offsets));
    await this.must("commit", "transaction", endTransactionMessage(transaction, true));
  }

  private async produce({ partition, records }: CopiesOfPartition, producer: ProducerId): Promise<void> {
    const leader = await this.cluster.leader({ topic: this.topic, partition });
    for (let from = 0; from < records.length; ) {
      const batch = firstBatch(records, from);
      const baseSequence = this.sequences.get(partition) ?? 0;
      const bytes = writeCopies(batch, { ...producer, baseSequence });
      await this.send1({ topic: this.topic, partition, bytes }, leader, batch);
      this.sequences.set(partition, (baseSequence + batch.length) % 2 ** 31);
      from += batch.length;
    }
  }

  private async send1(batch: PartitionBatch, leader: BrokerNode, records: readonly CopiedRecord[]): Promise<void> {
    const message = produceMessage([batch], produceMsMax, this.id);
    const [answer] = await this.cluster.link.ask(leader, message);
    const code = answer?.errorCode ?? errors.NONE;
    if (code === errors.NONE) return;
    const doing = `write ${records.length} records into ${batch.topic}-${batch.partition}`;
    const never: readonly number[] = [
      errors.MESSAGE_TOO_LARGE,
      errors.RECORD_LIST_TOO_LARGE,
      errors.INVALID_TIMESTAMP,
      errors.INVALID_RECORD,
    ];
    if (!never.includes(code)) throw this.refused(doing, code);
    const offset = records[0]?.offset;
    const words = `${doing}: Kafka answers ${errorName(code)}; the first of them stood at offset ${offset}`;
    throw new AppError(codes.CENTRAL_REPLAY_RECORD, words);
  }

  private async must(
    doing: string,
    to: "transaction" | "group",
    message: Message<{ readonly errorCode: number }>,
  ): Promise<void> {
    const { errorCode } = await this.whenFree(() => this.send(to, message));
    if (errorCode !== errors.NONE) throw this.refused(doing, errorCode);
  }

  private async send<Answer>(to: "transaction" | "group", message: Message<Answer>): Promise<Answer> {
    const { coordinators } = this;
    if (coordinators === undefined) throw this.refused("find the coordinator", errors.COORDINATOR_NOT_AVAILABLE);
    return await this.cluster.link.ask(coordinators[to], message);
  }

  private async whenFree<Answer extends { readonly errorCode: number }>(ask: () => Promise<Answer>): Promise<Answer> {
    const busy: readonly number[] = [errors.CONCURRENT_TRANSACTIONS, errors.COORDINATOR_LOAD_IN_PROGRESS];
    for (let tries = 1; ; tries++) {
      const answer = await ask();
      if (!busy.includes(answer.errorCode) || tries >= busyTriesMax || this.signal.aborted) return answer;
      await sleep(busyRetryMs, this.signal);
    }
  }

  private async coordinator(kind: "transaction" | "group"): Promise<BrokerNode> {
    const { clusterId } = await this.cluster.link.askAnyone(metadataMessage(undefined));
    const message = findCoordinatorMessage(this.id, kind);
    const unready: readonly number[] = [errors.COORDINATOR_NOT_AVAILABLE, errors.COORDINATOR_LOAD_IN_PROGRESS];
    for (let tries = 1; ; tries++) {
      const { errorCode, ...node } = await this.cluster.link.askAnyone(message);
      if (errorCode === errors.NONE) return { clusterId, ...node };
      // The first transaction of a cluster makes the topic that they are kept in.
      if (!unready.includes(errorCode) || tries >= busyTriesMax || this.signal.aborted) {
        throw this.refused(`find the coordinator of the ${kind}`, errorCode);
      }
      await sleep(busyRetryMs * 5, this.signal);
    }
  }

  private refused(doing: string, errorCode: number): AppError {
    const fenced: readonly number[] = [errors.PRODUCER_FENCED, errors.INVALID_PRODUCER_EPOCH];
    const code = fenced.includes(errorCode) ? codes.CENTRAL_REPLAY_FENCED : codes.CENTRAL_REPLAY_KAFKA;
    const cause = this.cluster.refused(`${doing} of ${this.id}`, this.topic, errorCode);
    return new AppError(code, `${doing} of ${this.id}: Kafka answers ${errorName(errorCode)}`, { cause });
  }
}

function firstBatch(records: readonly CopiedRecord[], from: number): readonly CopiedRecord[] {
  let bytes = 0;
  let to = from;
  for (; to < records.length; to++) {
    bytes += (records[to]?.body.length ?? 0) + 32;
    if (to > from && bytes > batchBytesMax) break;
  }
  return records.slice(from, to);
}
