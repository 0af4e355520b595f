/** Which partition an event goes to: by a header, by the key, or by the agent's name, so that a source's events stay in order. */
import { partitionOfKey } from "../../../shared/kafka/murmur2.ts";
import type { DecodedRecord } from "../../../shared/kafka/record-batch/records.ts";

/** What the config says of it. */
export interface PartitionRules {
  readonly agent: string;
  readonly partitionIdHeader: string | undefined;
  readonly defaultPartitionId: number | undefined;
}

/** Flume's name of the header that is the record's key, where an event has none of its own. */
export const keyHeader = "key";

/** The key of an event's record: its own, or Flume's header. */
export function keyOf({ key, headers }: DecodedRecord): Buffer | undefined {
  return key ?? headers.find(({ name }) => name === keyHeader)?.value;
}

/** @param onUnknown the event, or the config, names a partition that is not there. */
export function partitionOf(
  record: DecodedRecord,
  partitions: number,
  rules: PartitionRules,
  onUnknown: () => void,
): number {
  const { agent, partitionIdHeader, defaultPartitionId } = rules;
  const named = record.headers.find(({ name }) => name === partitionIdHeader)?.value.toString();
  const number = named === undefined ? defaultPartitionId : numberOf(named);
  if (number !== undefined && number < partitions) return number;
  if (named !== undefined || number !== undefined) onUnknown();
  return partitionOfKey(keyOf(record) ?? Buffer.from(agent), partitions);
}

function numberOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
