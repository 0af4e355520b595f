/**
 * What an edge has relayed: the record batches of one lane, as they lie in its channel. Whoever sent them is told at once
 * what is wrong with them, so all is looked at before anything is stored. Without an identity nobody could tell a repeat.
 */
import { outputBytesMax } from "../../../shared/compression/decompress-bounded.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { parseIdentity } from "../../../shared/identity/identity.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at } from "../../../shared/kafka/record-batch/header.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import { batchSender } from "../../consumer/kafka/batch-sender.ts";
import { decodeBatch } from "../../consumer/kafka/decode-batch.ts";
import { part, type RecordBlock } from "../../records/record-block.ts";
import { relayCodes } from "./codes.ts";

/** What is asked of a body. */
export interface BodyRules {
  /** Undefined: every agent may be named. */
  readonly mayName: ((agent: string) => boolean) | undefined;
  /** Whose signatures are believed; undefined: they are not looked at. */
  readonly keys: KeyList | undefined;
}

/** No identity is longer: what claims more is refused by the ledger, and here it names no agent. */
const identityBytesMax = 512;
const slash = 0x2f;

/**
 * The records of a body, a block a batch.
 *
 * @throws AppError `CENTRAL_RELAY_CONTENT`, `CENTRAL_RELAY_TOO_LARGE`, `CENTRAL_RELAY_AGENT`: nothing of it can be stored.
 */
export function readRelayedBody(body: Buffer, { mayName, keys }: BodyRules): readonly RecordBlock[] {
  const blocks: RecordBlock[] = [];
  let decodedBytes = 0;
  let readBytes = 0;
  let lane: Buffer | undefined;
  for (const frame of splitBatches(body)) {
    const { bytes, transactional, control } = frame;
    if (bytes.readInt8(at.magic) !== 2 || transactional || control) throw content("a batch that no edge makes");
    const block = decode(frame);
    readBytes += bytes.length;
    decodedBytes += block.bytes.length;
    if (decodedBytes > outputBytesMax) {
      throw new AppError(
        relayCodes.CENTRAL_RELAY_TOO_LARGE,
        `read a body: more than ${outputBytesMax} bytes of records`,
      );
    }
    lane ??= laneOf(block, mayName);
    checkIdentities(block, lane);
    blocks.push(keys === undefined ? block : { ...block, sender: batchSender(bytes, block, keys) });
  }
  if (readBytes !== body.length) throw content(`${body.length - readBytes} bytes that are no whole record batch`);
  return blocks;
}

function decode(frame: Parameters<typeof decodeBatch>[0]): RecordBlock {
  try {
    return decodeBatch(frame);
  } catch (thrown) {
    // A reader that ends in the middle of a number says so by our own error; nothing else is expected of bytes.
    if (thrown instanceof AppError && thrown.severity === "invariant") throw thrown;
    throw content(messageOf(thrown));
  }
}

/** The text before the number, of the first record: `agent/epoch/stream.lane/`. */
function laneOf(block: RecordBlock, mayName: BodyRules["mayName"]): Buffer {
  const [start, end] = identityAt(block, 0);
  const identity =
    end - start > identityBytesMax ? undefined : parseIdentity(block.bytes.toString("latin1", start, end));
  if (identity === undefined) throw content("the first record has no identity");
  if (mayName?.(identity.agent) === false) {
    throw new AppError(
      relayCodes.CENTRAL_RELAY_AGENT,
      `take records of agent ${identity.agent}: the key is not for it`,
    );
  }
  return block.bytes.subarray(start, block.bytes.lastIndexOf(slash, end - 1) + 1);
}

/** All are of this lane, and numbered. What the numbers claim is the ledger's to judge. */
function checkIdentities(block: RecordBlock, lane: Buffer): void {
  const { bytes } = block;
  for (let index = 0; index < block.count; index++) {
    const [start, end] = identityAt(block, index);
    const numbers = start + lane.length;
    if (start < 0 || end <= numbers) throw content(`record ${index} has no identity`);
    if (bytes.compare(lane, 0, lane.length, start, numbers) !== 0) throw content(`record ${index} is of another lane`);
    if (isPlain(bytes, numbers, end)) continue;
    if (end - start > identityBytesMax || parseIdentity(bytes.toString("latin1", start, end)) === undefined) {
      throw content(`record ${index} has no identity`);
    }
  }
}

function identityAt({ count, parts }: RecordBlock, index: number): readonly [number, number] {
  if (index >= count) throw content("a batch without records");
  const slot = index * part.stride;
  return [parts[slot + part.identityStart] ?? -1, parts[slot + part.identityEnd] ?? -1];
}

/** `number@number`, which is what every record of a source has. */
function isPlain(bytes: Buffer, from: number, to: number): boolean {
  let index = from;
  const digits = () => {
    const start = index;
    for (let byte = bytes[index] ?? 0; byte >= 0x30 && byte <= 0x39 && index < to; byte = bytes[index] ?? 0) index++;
    return index > start;
  };
  return digits() && bytes[index++] === 0x40 && digits() && index === to;
}

function content(what: string): AppError {
  return new AppError(relayCodes.CENTRAL_RELAY_CONTENT, `read a body: ${what}`);
}
