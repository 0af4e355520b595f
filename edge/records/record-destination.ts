import { invariant } from "../../shared/errors/invariant.ts";
import { IDENTITY_HEADER } from "../../shared/identity/identity.ts";
import { type DecodedHeader, decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import type { Finding } from "../core/sink.ts";
import type { StoredBatch } from "../core/stored-batch.ts";

/** One event as a destination gets it. Its buffers are slices of the batch: copy what is to outlive the write. */
export interface SinkRecord {
  /** `agent/epoch/stream.lane/seq`: the same for the same event whenever it comes, and for no other. */
  readonly id: string;
  readonly stream: string;
  /** Its number in its lane. */
  readonly seq: number;
  readonly timeMs: number;
  readonly key: Buffer | undefined;
  readonly body: Buffer;
  readonly headers: readonly DecodedHeader[];
}

/** An event that the destination did not take, while it took the others of the same write. */
export interface EventRefusal {
  readonly record: SinkRecord;
  readonly reason: string;
  /** Not now, but maybe later: it comes again, alone. Left out: never. */
  readonly again?: boolean;
  /** With `again`: it was sent, and nobody knows whether it is there. */
  readonly unsure?: boolean;
}

/** Where a record sink writes to: the page of code that a new sink is. */
export interface RecordDestination {
  /** An event that comes again changes nothing there: it is known by its id. */
  readonly knowsRepeats?: boolean;
  /** Returns quickly and does not need the other side: a vehicle starts offline. */
  start?(): Promise<void>;
  /** Events are written together only with those of the same group; without it, all of a batch. */
  group?(record: SinkRecord): string;
  /**
   * Writes events of one group, in their order. Resolves when the other side has all of them; with those it refused, when
   * it has said which.
   *
   * @throws AppError `transient`: not now, or nobody knows: the same events come again. `permanent`: it refuses this write;
   *   smaller ones are tried until it is known which event it is. `fatal`: the lane stops and health says so.
   */
  write(records: readonly SinkRecord[], signal: AbortSignal): Promise<readonly EventRefusal[] | undefined>;
  stop?(): Promise<void>;
  /** Plain values for the status page. */
  status(): Readonly<Record<string, unknown>>;
  /** See `Sink.probe`. */
  probe?(signal: AbortSignal): Promise<readonly Finding[]>;
}

/** The events of a batch. @throws AppError `RECORD_BATCH_CORRUPT`. */
export function sinkRecords(
  batch: Pick<StoredBatch, "first" | "bytes" | "carried">,
  stream: string,
  prefix: string,
): readonly SinkRecord[] {
  const records: SinkRecord[] = [];
  for (const { offsetDelta, timeMs, key, value, headers } of decodeRecords(batch.bytes)) {
    const seq = batch.first + offsetDelta;
    const id = batch.carried === undefined ? `${prefix}${seq}` : idGivenBefore(headers);
    records.push({ id, stream, seq, timeMs, key, body: value, headers });
  }
  return records;
}

/** As `SinkRecord.id`, of a record that another agent has numbered. */
function idGivenBefore(headers: readonly DecodedHeader[]): string {
  const text = headers.find(({ name }) => name === IDENTITY_HEADER)?.value.toString("utf8") ?? "";
  const at = text.lastIndexOf("@");
  invariant(at > 0, "records of a lane that carries have an identity");
  return text.slice(0, at);
}
