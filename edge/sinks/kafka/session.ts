/**
 * A producer session: under which producer id and epoch a lane's batches stand in a partition, and from which number
 * on. The base sequence of any batch is then a subtraction, so nothing is written per batch, and after a crash the same
 * bytes go out again. It is stored before anything is sent under it.
 */
import type { StoredBatch } from "../../core/stored-batch.ts";

/** Uptimes can be compared only within one boot. */
export interface Moment {
  readonly uptimeMs: number;
  readonly bootId: string;
}

/** What is known of a loss. Kept in the row: a crash in the middle of sending again must not end in repeats. */
export interface Cut {
  /** Marks of batches before this number say nothing any more: what stood at their offsets is gone. */
  readonly before: number;
  /** The batch with that number has to be preceded by what is kept from here on; undefined: it need not. */
  readonly resendFrom: number | undefined;
}

export interface Session {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** The lane's number that has sequence 0. Everything before it was settled when the session began. */
  readonly first: number;
  /** Numbers from here on are not sent under it: a hole, a refused record or a marker's end. Undefined: open. */
  readonly until: number | undefined;
  /** One marker record stands for all its numbers, so that only sequence 0 is used. */
  readonly marker: boolean;
  /** From this number on the producer id was used here: by this session and the ones it follows. */
  readonly producerFirst: number;
  /** From this number on all went here, under whichever producer. */
  readonly hereFirst: number;
  /** The epoch is the last one's and one, and no broker was asked: it shows with the first answer whether it takes that. */
  readonly stepped: boolean;
  /**
   * Set while the session sends again what the log has lost before a batch that it had taken already: the number behind
   * that batch. `until` is where that batch begins.
   */
  readonly takenBelow: number | undefined;
  /** The log was seen to be shorter than what it had acknowledged. */
  readonly cut: Cut | undefined;
  /** Another process was seen using it: it is never used again. */
  readonly fenced: boolean;
  /** Numbers below may be in the log from a time that the broker has forgotten: counted as maybe repeated when taken. */
  readonly suspectBelow: number;
  /** Where the log ended when it began: what was sent under it stands behind. Undefined: the broker did not say. */
  readonly logEnd: number | undefined;
  readonly opened: Moment;
}

/** Kafka's sequences go from 0 to 2^31 - 1 and then from 0 again. */
const sequences = 2 ** 31;

/** The number behind the batch's last. */
export function endOf(batch: Pick<StoredBatch, "first" | "count">): number {
  return batch.first + batch.count;
}

/** Whether the batch is sent under this session. */
export function covers(session: Session, batch: StoredBatch): boolean {
  return (
    !session.fenced &&
    batch.first >= session.first &&
    endOf(batch) <= (session.until ?? Number.POSITIVE_INFINITY) &&
    (batch.kind === "shed") === session.marker
  );
}

/** How a stored session stands to the batch. */
export type Standing =
  /** There is none that may be used. */
  | "none"
  /** It begins behind the batch, and so everything up to there was settled. */
  | "begins_behind"
  /** It has the batch, and what the log lost before it is being sent again. */
  | "repairs"
  | "covers"
  /** It is closed before the batch, or of another kind. */
  | "other";

/** How a session and a batch stand to each other. */
export function standing(session: Session | undefined, batch: StoredBatch): Standing {
  if (session === undefined || session.fenced) return "none";
  if (endOf(batch) <= session.first) return "begins_behind";
  if (session.takenBelow !== undefined && endOf(batch) <= session.takenBelow) return "repairs";
  return covers(session, batch) ? "covers" : "other";
}

/** The sequence of a lane's number. */
export function sequenceOf(session: Session, number: number): number {
  return (number - session.first) % sequences;
}

/** The lane's number that a sequence stands for: of all that are 2^31 apart, the one nearest to `near`. */
export function numberOf(session: Session, sequence: number, near: number): number {
  if (session.marker) return (session.until ?? session.first + 1) - 1;
  const ahead = (sequence - sequenceOf(session, near) + sequences) % sequences;
  return near + (ahead < sequences / 2 ? ahead : ahead - sequences);
}

const version = 1;

/** The row's text. */
export function formatSession(session: Session): string {
  const { producerId, producerEpoch, first, until, marker, fenced, suspectBelow, logEnd, opened } = session;
  const { producerFirst, hereFirst, takenBelow, cut, stepped } = session;
  return JSON.stringify({
    version,
    producerId: String(producerId),
    producerEpoch,
    first,
    until,
    ...(producerFirst === first ? {} : { producerFirst }),
    ...(hereFirst === producerFirst ? {} : { hereFirst }),
    takenBelow,
    ...(cut === undefined ? {} : { cutBefore: cut.before, resendFrom: cut.resendFrom }),
    ...(stepped ? { stepped } : {}),
    ...(marker ? { marker } : {}),
    ...(fenced ? { fenced } : {}),
    ...(suspectBelow > 0 ? { suspectBelow } : {}),
    logEnd,
    openedUptimeMs: Math.round(opened.uptimeMs),
    openedBoot: opened.bootId,
  });
}

/** Reads a row; undefined when it is not one of ours, which is treated as having none. */
export function parseSession(text: string): Session | undefined {
  const row = parseObject(text);
  if (row === undefined) return undefined;
  const { producerId, producerEpoch, first, until, marker, fenced, logEnd, openedUptimeMs, openedBoot } = row;
  const { version: written, suspectBelow, producerFirst = first, takenBelow, stepped } = row;
  const { hereFirst = producerFirst } = row;
  if (written !== version) return undefined;
  if (typeof producerId !== "string" || !/^\d+$/.test(producerId)) return undefined;
  if (typeof producerEpoch !== "number" || typeof first !== "number") return undefined;
  if (typeof openedUptimeMs !== "number" || typeof openedBoot !== "string") return undefined;
  return {
    producerId: BigInt(producerId),
    producerEpoch,
    first,
    until: typeof until === "number" ? until : undefined,
    producerFirst: typeof producerFirst === "number" ? producerFirst : first,
    hereFirst: typeof hereFirst === "number" ? hereFirst : first,
    takenBelow: typeof takenBelow === "number" ? takenBelow : undefined,
    cut: cutOf(row),
    stepped: stepped === true,
    marker: marker === true,
    fenced: fenced === true,
    suspectBelow: typeof suspectBelow === "number" ? suspectBelow : 0,
    logEnd: typeof logEnd === "number" ? logEnd : undefined,
    opened: { uptimeMs: openedUptimeMs, bootId: openedBoot },
  };
}

function cutOf({ cutBefore, resendFrom }: Readonly<Record<string, unknown>>): Cut | undefined {
  if (typeof cutBefore !== "number") return undefined;
  return { before: cutBefore, resendFrom: typeof resendFrom === "number" ? resendFrom : undefined };
}

/** A JSON object, or undefined for anything else. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
