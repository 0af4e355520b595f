/** A row of the lake: what one record of a topic holds, nothing left out but headers that are not ours. */
import type { Identity } from "../../shared/identity/identity.ts";
import { readClaim, timeIsSane } from "../ledger/claim.ts";
import { vehicleOf } from "../ledger/vehicle.ts";
import type { TopicPartition } from "../records/partition.ts";
import { plainRecord, type RecordBlock } from "../records/record-block.ts";

/** Times are milliseconds since 1970. */
export interface Row {
  readonly vehicle: string;
  readonly stream: string;
  readonly eventMs: number;
  readonly edgeMs: number | null;
  readonly kafkaMs: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly agent: string | null;
  readonly epoch: string | null;
  readonly lane: number | null;
  readonly seq: number | null;
  readonly shedTo: number | null;
  readonly shedReason: string | null;
  readonly body: Uint8Array | null;
}

/** What a row costs in memory beside its body, about. */
const rowOverheadBytes = 200;

/** Memory that it holds. */
export function rowBytes({ body }: Row): number {
  return rowOverheadBytes + (body?.length ?? 0);
}

/**
 * Every record becomes a row, refused ones too: the lake holds what the topic holds. What the header claims is taken within the
 * bounds of the ledger; what claims more is a record without an identity.
 */
export function rowOf(block: RecordBlock, index: number, { topic, partition }: TopicPartition): Row {
  const { offset, timeMs, key, value, identity: header } = plainRecord(block, index);
  const claim = header === undefined ? undefined : readClaim(header);
  const identity = claim?.kind === "identity" ? claim.identity : undefined;
  const kafkaMs = timeIsSane(timeMs) ? timeMs : 0;
  return {
    vehicle: vehicleOf(key, header),
    stream: identity?.stream ?? topic,
    eventMs: identity?.eventTimeMs ?? kafkaMs,
    edgeMs: block.brokerTime === true ? null : kafkaMs,
    kafkaMs,
    ...{ topic, partition, offset },
    ...numbersOf(identity),
    body: value ?? null,
  };
}

function numbersOf(identity: Identity | undefined) {
  const isShed = identity?.kind === "shed";
  return {
    agent: identity?.agent ?? null,
    epoch: identity?.epoch ?? null,
    lane: identity?.lane ?? null,
    seq: identity?.first ?? null,
    shedTo: isShed ? identity.last : null,
    shedReason: isShed ? (identity.reason ?? null) : null,
  };
}
