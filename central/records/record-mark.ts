import { crc32c } from "../../shared/kafka/record-batch/crc32c.ts";
import { part, type RecordBlock } from "./record-block.ts";

/** The last record before `next`: proof, on assignment, that the topic is still the one that was read. */
export interface RecordMark {
  readonly offset: number;
  /** The identity header's text; empty without one. */
  readonly identity: string;
  /** CRC-32C of the value. */
  readonly crc: number;
}

/** What is remembered of a record: where it stands, who it is, and a checksum of its value. */
export function markOf(block: RecordBlock, index: number): RecordMark {
  const slot = index * part.stride;
  const { bytes, parts } = block;
  const identityStart = parts[slot + part.identityStart] ?? -1;
  const valueStart = parts[slot + part.valueStart] ?? -1;
  return {
    offset: block.offsets[index] ?? -1,
    identity: identityStart < 0 ? "" : bytes.toString("utf8", identityStart, parts[slot + part.identityEnd]),
    crc: valueStart < 0 ? 0 : crc32c(bytes, valueStart, parts[slot + part.valueEnd]),
  };
}
