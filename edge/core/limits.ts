import { invariant } from "../../shared/errors/invariant.ts";

/**
 * Every bound of the edge in one place, with how the bounds relate. Bytes are bytes, times are milliseconds.
 */
export const limits = {
  /** A source reads this much at once; also how far an append can overshoot a full channel. */
  readBytes: 1024 * 1024,
  /** A longer line is cut here, marked and counted. Leaves room for key and headers under Kafka's default of 1 MiB. */
  lineBytesMax: 512 * 1024,
  /** A batch as it is stored and sent is not larger: Kafka's default max.message.bytes is 1,048,588. */
  batchBytesMax: 960 * 1024,
  /** Records that compress well fill a batch with up to this many times its size. */
  batchGrowthMax: 4,
  /** Records of one batch: bounds what a decoder must hold. */
  batchRecordsMax: 20_000,
  /** All open and sealed, uncommitted batches together; past this the intake commits before it takes more. */
  pendingBytesMax: 8 * 1024 * 1024,
  /** The open batches of all lanes of a stream, before compression: the arenas that they are built in. */
  openBytesMax: 3 * 1024 * 1024,
  /** A lane's open batch may be this large, however many lanes there are. */
  openBytesMin: 256 * 1024,
  /** Acknowledged by the sink but without a durable mark: this much may be sent again after a crash. */
  unmarkedBytesMax: 4 * 1024 * 1024,
  /** Sent batches are kept this far back, so that what a broker lost can be sent again; each checkpoint copies them. */
  keptBytes: 3 * 1024 * 1024,
  /** The linger while the sink is behind or away: nobody waits, and tiny batches are for ever. */
  lingerBehindMs: 5_000,
  /** Headers that interceptors may set on one event. */
  headersMax: 32,
  /** A key longer than this is not a vehicle: it is cut off. */
  keyBytesMax: 1_024,
  /** Freed when the disk is full, because even DELETE needs space. */
  reserveBytes: 32 * 1024 * 1024,
  /** Lanes of one stream and topic: partitions we are willing to follow. */
  lanesMax: 1_024,
} as const;

invariant(limits.lineBytesMax + limits.keyBytesMax < limits.batchBytesMax, "a whole line fits into a batch");
invariant(
  limits.batchBytesMax * limits.batchGrowthMax < limits.pendingBytesMax,
  "several batches may wait for one commit",
);
invariant(limits.batchBytesMax < 1_048_588, "a batch that does not compress fits under Kafka's default limit");
