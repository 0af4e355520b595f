/**
 * An ordered line of batches of one stream: what is put first is sent first. The sink's layout says which events share a
 * lane (see layout.ts); a lane remembers where in that layout it stands, so that a restart finds it again.
 */
export interface Lane {
  /** Number of the lane within the agent's file; never used again. */
  readonly id: number;
  /** Name of the channel. */
  readonly channel: string;
  /** Name of the stream: the source, as the config calls it. */
  readonly stream: string;
  /** Born with the channel file, new when the file was copied; part of every record's identity. */
  readonly epoch: string;
  /** Number of the lane within its stream and epoch; part of every record's identity. */
  readonly number: number;
  /** What its events have in common, in the words of the sink that drains it: where they go. Fixed when the lane is made. */
  readonly group: string;
  /** Which part of its group it is; undefined: the whole. */
  readonly part: LanePart | undefined;
  /**
   * Its batches were made by other agents, and their records bear the numbers of those (`PutBatch.carried`): this lane's own
   * numbers stand in no record, and say only what comes after what. Left out: its records bear its own.
   */
  readonly carries?: boolean;
  /** Nothing more is put to it, whatever its epoch says: it is left from before, and has another place than lanes that are made now. */
  readonly isDrainedOnly?: boolean;
}

/** One part of a group that is divided by the record key, so that a key's events stay in one lane and in order. */
export interface LanePart {
  /** From 0 to `parts` - 1. */
  readonly index: number;
  readonly parts: number;
  /** Grows when a group is divided anew: lanes of a generation are sent after all lanes of the generations before are drained. */
  readonly generation: number;
}

/** What a lane is made from; the channel gives it an id and a number. */
export type LaneSpec = Omit<Lane, "id" | "number" | "epoch">;

/** Whether two lanes are the same part of a group, or both the whole of it. */
export function isSamePart(one: LanePart | undefined, other: LanePart | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.index === other.index && one.generation === other.generation;
}

/**
 * Whether `other` must be empty before `lane` is sent, so that a key's order holds: the same stream and group, before it
 * was divided anew or before a new epoch.
 */
export function comesBefore(other: Lane, lane: Lane): boolean {
  if (other.stream !== lane.stream || other.group !== lane.group || other.id >= lane.id) return false;
  if (other.epoch !== lane.epoch) return true;
  if (other.part === undefined || lane.part === undefined) return other.part !== lane.part;
  return other.part.generation < lane.part.generation;
}
