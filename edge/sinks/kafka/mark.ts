import { type Moment, parseObject, type Session } from "./session.ts";

/** What is kept of the last acknowledged batch: where to look for what came after it, and how old that can be. */
export interface Mark {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** Offset of its last record; -1 when it was proved to be in the log without the broker naming its place. */
  readonly offset: number;
  /** The broker's time of the append; undefined on a topic that keeps the producer's time. */
  readonly brokerTimeMs: number | undefined;
  /** A moment before its append, and not long before where that is known. */
  readonly at: Moment | undefined;
  /** The lane's number behind the batch; undefined in rows of older versions. */
  readonly below: number | undefined;
}

/** As text for the lane's mark; `parseMark` reads it back. */
export function formatMark(mark: Mark): string {
  const { producerId, producerEpoch, offset, brokerTimeMs, at, below } = mark;
  const producer = `${producerId}.${producerEpoch}`;
  return JSON.stringify({
    producer,
    offset,
    brokerTimeMs,
    below,
    ...(at === undefined ? {} : { uptimeMs: Math.round(at.uptimeMs), boot: at.bootId }),
  });
}

/** Undefined when it is not one of ours. */
export function parseMark(text: string | undefined): Mark | undefined {
  const row = text === undefined ? undefined : parseObject(text);
  if (row === undefined) return undefined;
  const { producer, offset, brokerTimeMs, uptimeMs, boot, below } = row;
  const match = typeof producer === "string" ? /^(\d+)\.(\d+)$/.exec(producer) : null;
  if (match === null || typeof offset !== "number") return undefined;
  const dated = typeof uptimeMs === "number" && typeof boot === "string";
  return {
    producerId: BigInt(match[1] ?? ""),
    producerEpoch: Number(match[2]),
    offset,
    brokerTimeMs: typeof brokerTimeMs === "number" ? brokerTimeMs : undefined,
    at: dated ? { uptimeMs, bootId: boot } : undefined,
    below: typeof below === "number" ? below : undefined,
  };
}

/** Whether the mark was made under this session. */
export function markOf(mark: Mark | undefined, session: Session): Mark | undefined {
  return mark?.producerId === session.producerId && mark.producerEpoch === session.producerEpoch ? mark : undefined;
}
