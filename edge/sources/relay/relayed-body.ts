/**
 * What a relay sink has posted: the record batches of one lane. All is looked at before anything is appended, so that its
 * sender is told at once, and nothing is taken half.
 */
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { type Identity, lanePrefix, parseIdentity } from "../../../shared/identity/identity.ts";
import { crc32c } from "../../../shared/kafka/record-batch/crc32c.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { at, HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { limits } from "../../core/limits.ts";
import type { BatchMark } from "../../records/lane-numbers.ts";
import { codes } from "./codes.ts";
import { part, type RecordTable, readTable } from "./record-table.ts";

/** The records of a batch, and their numbers in the lane. */
export interface RelayedBatch {
  /** As it came. */
  readonly raw: Buffer;
  readonly table: RecordTable;
  readonly numbers: Float64Array;
  /** By place in the batch: what is no event but says which numbers will not come. */
  readonly markers: ReadonlyMap<number, Identity>;
}

/** How a batch is known again; a marker at its end reaches further than its own number. */
export function markOf({ raw, table, numbers, markers }: RelayedBatch): BatchMark {
  const first = numbers[0] ?? 0;
  const last = markers.get(table.count - 1)?.last ?? numbers.at(-1) ?? first;
  return { first, last, crc: crc32c(raw, HEADER_BYTES) };
}

/** A body that can be taken. */
export interface RelayedBody {
  /** `agent/epoch/stream.lane`; empty where nothing came, as the two that follow. */
  readonly lane: string;
  readonly agent: string;
  readonly stream: string;
  readonly batches: readonly RelayedBatch[];
  /** Markers included: so many its sender wants to hear of. */
  readonly records: number;
}

/** No identity is longer. */
const identityBytesMax = 512;
/** What a batch of an edge may grow to is half of it. */
const decodedBytesMax = limits.pendingBytesMax;
const [zero, nine, atSign] = [0x30, 0x39, 0x40];

/**
 * Reads a body. `ownAgent`: the only one that may be named.
 *
 * @throws AppError `EDGE_RELAY_CONTENT`, `EDGE_RELAY_TOO_LARGE`, `EDGE_RELAY_AGENT`: nothing of it can be taken.
 */
export function readRelayedBody(body: Buffer, ownAgent: string | undefined): RelayedBody {
  const batches: RelayedBatch[] = [];
  let reader: LaneReader | undefined;
  let [readBytes, decodedBytes, records] = [0, 0, 0];
  for (const { bytes, transactional, control } of splitBatches(body)) {
    if (bytes.readInt8(at.magic) !== 2 || transactional || control) throw content("a batch that no edge makes");
    const table = tableOf(bytes);
    readBytes += bytes.length;
    decodedBytes += table.bytes.length;
    records += table.count;
    if (decodedBytes > decodedBytesMax) throw tooLarge(`more than ${decodedBytesMax} bytes of records`);
    if (table.largestBytes > limits.lineBytesMax) throw tooLarge(`a record of ${table.largestBytes} bytes`);
    reader ??= new LaneReader(table, ownAgent);
    batches.push(reader.read(bytes, table));
  }
  if (readBytes !== body.length) throw content(`${body.length - readBytes} bytes that are no whole record batch`);
  const { lane = "", agent = "", stream = "" } = reader ?? {};
  return { lane, agent, stream, batches, records };
}

function tableOf(batch: Buffer): RecordTable {
  try {
    return readTable(batch);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.severity === "invariant") throw thrown;
    throw content(messageOf(thrown));
  }
}

/** Reads the numbers of a lane's records; they rise, so that no event is taken for the repeat of another. */
class LaneReader {
  /** As `Origin` names it. */
  readonly lane: string;
  readonly agent: string;
  readonly stream: string;
  private readonly prefix: Buffer;
  private next = 0;

  constructor(first: RecordTable, ownAgent: string | undefined) {
    const identity = identityOf(first, 0);
    if (ownAgent !== undefined && identity.agent !== ownAgent) {
      const message = `take records of agent ${identity.agent}: the certificate names ${ownAgent}`;
      throw new AppError(codes.EDGE_RELAY_AGENT, message);
    }
    this.agent = identity.agent;
    this.stream = identity.stream;
    const prefix = lanePrefix(identity);
    this.prefix = Buffer.from(prefix);
    this.lane = prefix.slice(0, -1);
  }

  read(raw: Buffer, table: RecordTable): RelayedBatch {
    const numbers = new Float64Array(table.count);
    const markers = new Map<number, Identity>();
    for (let index = 0; index < table.count; index++) {
      const number = this.plainNumber(table, index);
      if (number < this.next) throw content(`record ${index} stands behind a later one`);
      numbers[index] = number;
      if (!Number.isNaN(number)) {
        this.next = number + 1;
        continue;
      }
      const identity = identityOf(table, index);
      if (lanePrefix(identity) !== `${this.lane}/`) throw content(`record ${index} is of another lane`);
      const { first, last } = identity;
      if (first < this.next || !Number.isSafeInteger(last)) throw content(`record ${index} stands behind a later one`);
      numbers[index] = first;
      if (identity.kind === "shed") markers.set(index, identity);
      this.next = last + 1;
    }
    return { raw, table, numbers, markers };
  }

  /** The number of a record of this lane, `prefix number@time`, as nearly all are; NaN: it takes a closer look. */
  private plainNumber({ bytes, parts }: RecordTable, index: number): number {
    const { prefix } = this;
    const slot = index * part.stride;
    const start = parts[slot + part.identityStart] ?? -1;
    const end = parts[slot + part.identityEnd] ?? -1;
    let place = start + prefix.length;
    if (start < 0 || place >= end || !isAt(bytes, start, prefix)) return Number.NaN;
    let number = 0;
    const digits = place;
    for (let byte = bytes[place] ?? 0; byte >= zero && byte <= nine && place < end; byte = bytes[++place] ?? 0) {
      number = number * 10 + byte - zero;
    }
    if (place === digits || bytes[place] !== atSign || !Number.isSafeInteger(number)) return Number.NaN;
    const times = ++place;
    for (let byte = bytes[place] ?? 0; byte >= zero && byte <= nine && place < end; ) byte = bytes[++place] ?? 0;
    return place > times && place === end ? number : Number.NaN;
  }
}

/** By hand: for so few bytes a call into the runtime costs more than all the rest. */
function isAt(bytes: Buffer, start: number, text: Buffer): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false;
  return true;
}

function identityOf({ bytes, parts }: RecordTable, index: number): Identity {
  const slot = index * part.stride;
  const start = parts[slot + part.identityStart] ?? -1;
  const end = parts[slot + part.identityEnd] ?? -1;
  const isOne = start >= 0 && end - start <= identityBytesMax;
  const identity = isOne ? parseIdentity(bytes.toString("latin1", start, end)) : undefined;
  if (identity === undefined) throw content(`record ${index} has no identity`);
  return identity;
}

function content(what: string): AppError {
  return new AppError(codes.EDGE_RELAY_CONTENT, `read a body: ${what}`);
}

function tooLarge(what: string): AppError {
  return new AppError(codes.EDGE_RELAY_TOO_LARGE, `read a body: ${what}`);
}
