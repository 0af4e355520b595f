/**
 * What a record may claim, and how much an agent may take. The bounds are far beyond what an honest edge reaches: each
 * comment says how far. They are here so that one wrong or hostile sender can spoil only what it sends itself.
 */
export const bounds = {
  /** Bytes of the whole identity header. */
  identityBytes: 512,
  /** Bytes of an agent's, an epoch's or a stream's name. */
  nameBytes: 128,
  /** Bytes of a key. Longer keys are no vehicle's name. */
  keyBytes: 256,
  /** Bytes of a value. An edge's lines are cut long before, and Kafka's own limit is 1 MiB compressed. */
  valueBytes: 16 * 1024 * 1024,
  /** A lane's number within its stream: an edge has one a partition. */
  lane: 1_000_000,
  /**
   * Lanes that one agent may name in one append (at most 25,000 records of one partition). A batch of an edge is of one
   * lane, and an agent has one a stream and channel file in a partition: tens, with a backlog. Far more
   * are allowed, because an honest record that is refused here waits for somebody to redrive it. Each costs the store
   * some look-ups, so what is beyond is refused before any.
   */
  lanesPerAppend: 1_024,
  /** A record's number: 89 years at 100,000 records a second. */
  seq: 2 ** 48,
  /** How far a lane may jump over numbers that never came, and how many one marker may cover: 49 days at 1,000 a second. */
  jump: 2 ** 32,
  /** Event times from 0001-01-01 to 9999-12-31. */
  timeMsMin: -62_135_596_800_000,
  timeMsMax: 253_402_300_799_999,
} as const;

/** How much an account may take: an agent, or the records without an identity of one topic. */
export interface Quotas {
  /** Lanes ever opened: streams times partitions times epochs. */
  readonly lanes: number;
  /** Pairs of a vehicle and a stream that it was the first to write. */
  readonly series: number;
  /** Bytes of values on one UTC day, with `eventOverheadBytes` for each event. */
  readonly bytesPerDay: number;
}

/** 100 lines a second of 200 bytes are 2.3 GB a day. */
export const defaultQuotas: Quotas = { lanes: 10_000, series: 20_000, bytesPerDay: 200e9 };

/** What an event costs beside its value: numbers, index, row. */
export const eventOverheadBytes = 64;

/** How much of what is put aside is kept, so that a flood of it fills no disk. The topic has the rest. */
export const deadBudget = {
  /** Rows with their bytes in one append; further ones are kept as ranges of offsets with their reason. */
  rowsPerAppend: 100,
  /** Of one record's key, value or identity. */
  partBytes: 64 * 1024,
  /** Of all that is put aside in one append. */
  bytesPerAppend: 1024 * 1024,
  /** Of one topic's partition, for ever. */
  bytesPerSource: 64 * 1024 * 1024,
} as const;
