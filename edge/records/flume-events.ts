/**
 * Events as Flume's RPC brings them (Avro, Thrift): headers are texts, and a sender knows no "never". What is refused is sent again
 * without end, and holds up all that is behind it. So an event that is larger than any may be is cut, marked and counted, as a
 * line of a file is.
 */
import { limits } from "../core/limits.ts";
import { cutHeader } from "../core/line-intake.ts";
import type { PushAnswer, PushDesk, PushedEvent } from "./push-desk.ts";

/** One event of a request. */
export interface RequestEvent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Which headers mean something here. */
export interface MeaningOfHeaders {
  readonly keyHeader?: string | undefined;
  readonly timeHeader?: string | undefined;
}

/** Of a request that is larger, several groups are made: the desk takes no more at once. */
const partBytesMax = limits.pendingBytesMax / 4;
/** What an event costs beside its body. */
const eventBytes = 256;

/** Events of one request: what is made of many tiny ones must stay in proportion to their bytes. */
export const requestEventsMax = 100_000;

export class FlumeEvents {
  constructor(
    private readonly desk: PushDesk,
    private readonly meaning: MeaningOfHeaders,
  ) {}

  /** All of a request, in parts that the desk takes; when one is not taken, the sender sends all again. */
  async offer(events: readonly RequestEvent[], left: AbortSignal, onCut: () => void): Promise<PushAnswer["kind"]> {
    let part: PushedEvent[] = [];
    let bytes = 0;
    for (const event of events) {
      if (part.length > 0 && bytes + event.body.length > partBytesMax) {
        const heard = await this.desk.offer(part, left);
        if (heard.kind !== "taken") return heard.kind;
        part = [];
        bytes = 0;
      }
      part.push(this.pushed(event, onCut));
      bytes += event.body.length + eventBytes;
    }
    return part.length === 0 ? "taken" : (await this.desk.offer(part, left)).kind;
  }

  private pushed({ headers, body }: RequestEvent, onCut: () => void): PushedEvent {
    const { keyHeader, timeHeader } = this.meaning;
    const key = keyHeader === undefined ? undefined : headers[keyHeader];
    const time = timeHeader === undefined ? undefined : headers[timeHeader];
    const isTime = time !== undefined && /^\d{1,15}$/.test(time);
    const isLong = body.length > limits.lineBytesMax;
    if (isLong) onCut();
    return {
      body: isLong ? body.subarray(0, limits.lineBytesMax) : body,
      headers: isLong ? { ...headers, [cutHeader]: String(limits.lineBytesMax) } : headers,
      ...(key === undefined || key === "" ? {} : { key }),
      ...(isTime ? { eventTimeMs: Number(time) } : {}),
    };
  }
}
