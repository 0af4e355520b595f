/**
 * One person who looks at events as they pass. It is offered every event of its place and takes a few: at most so many a
 * second, cut to so many bytes, and no more than fit into what waits to be read. What it does not take is counted, and by
 * why; nothing waits for it.
 */
import { Gate } from "../../shared/async/gate.ts";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { visible } from "../../shared/telemetry/visible.ts";
import type { EventView } from "../core/event-view.ts";
import type { Lane } from "../core/lane.ts";
import type { StoredBatch } from "../core/stored-batch.ts";

/** Where it looks. */
export type TapPoint =
  /** As the source appends them, before any interceptor. */
  | { readonly kind: "source"; readonly stream: string }
  /** As this interceptor leaves them, those that it drops, too. */
  | { readonly kind: "interceptor"; readonly stream: string; readonly interceptor: string }
  /** As they are handed to the sink, each batch once; `channel` undefined: that lane of any channel. */
  | { readonly kind: "lane"; readonly stream: string; readonly lane: number; readonly channel: string | undefined };

/** Where it looks, and how much of it it may take. */
export interface TapOptions {
  readonly point: TapPoint;
  readonly eventsPerSecond: number;
  /** Bytes of a body that are shown. */
  readonly bodyBytesMax: number;
  /** Monotonic milliseconds. */
  readonly nowMs: () => number;
}

/** Somebody looks, or why not. */
export type OpenedTap =
  | { readonly kind: "open"; readonly tap: Tap; readonly close: () => void }
  /** The agent has no such place. */
  | { readonly kind: "unknown"; readonly message: string }
  /** As many look as may. */
  | { readonly kind: "busy" };

/** What waits for a reader; past this samples are lost. */
const waitingCharactersMax = 256 * 1024;
/** A header's value is shown so far. */
const headerCharactersMax = 256;
/** Batches of a lane that are decoded: each costs a decompression, on the thread that everything runs on. */
const batchesPerSecond = 2;
/** How often the reader is told what it did not see. */
const countsEveryMs = 1_000;

export class Tap {
  private readonly options: TapOptions;
  private readonly arrived = new Gate();
  private readonly gone = new AbortController();
  private waiting: string[] = [];
  private waitingCharacters = 0;
  private readonly events: Allowance;
  private readonly batches: Allowance;
  private seen = 0;
  private skipped = 0;
  private lost = 0;

  constructor(options: TapOptions) {
    this.options = options;
    this.events = new Allowance(options.eventsPerSecond);
    this.batches = new Allowance(batchesPerSecond);
  }

  get point(): TapPoint {
    return this.options.point;
  }

  /** Events that passed, and those of them that were not shown. */
  get figures() {
    const { seen, skipped, lost } = this;
    return { seen, skipped, lost };
  }

  /** An event passes; `kept` is what an interceptor said of it. The view is the flow's: it is looked at and left as it is. */
  offer(view: EventView, kept: boolean | undefined): void {
    this.seen++;
    if (!this.events.take(this.options.nowMs())) {
      this.skipped++;
      return;
    }
    const { buffer, start, end, key, eventTimeMs, headerNames, headerValues } = view;
    const headers = headerNames.map((name, index) => [name, headerValues[index] ?? ""] as const);
    this.push({ kept, ...this.shown({ body: buffer.subarray(start, end), key, timeMs: eventTimeMs, headers }) });
  }

  /** A batch is handed to a sink. */
  offerBatch({ lane, kind, first, count, bytes }: StoredBatch): void {
    this.seen += count;
    if (kind !== "records" || !this.batches.take(this.options.nowMs())) {
      this.skipped += count;
      return;
    }
    let looked = 0;
    try {
      for (const { offsetDelta, timeMs, key, value, headers } of decodeRecords(bytes)) {
        if (!this.events.take(this.options.nowMs())) break;
        looked++;
        const texts = headers.map((header) => [header.name, header.value.toString("utf8")] as const);
        const event = this.shown({ body: value, key: key?.toString("utf8"), timeMs, headers: texts });
        this.push({ ...place(lane), seq: first + offsetDelta, ...event });
      }
    } catch {
      // A batch that cannot be decoded is for the channel and the sink to say; here it is only not seen.
    }
    this.skipped += count - looked;
  }

  /** Lines of JSON, each time that the reader has taken what came before: what was sampled, and once a second the counts. */
  async *parts(): AsyncGenerator<Uint8Array> {
    const { signal } = this.gone;
    yield this.counts();
    while (!signal.aborted) {
      const tick = AbortSignal.timeout(countsEveryMs);
      while (!signal.aborted && !tick.aborted) {
        if (this.waiting.length > 0) yield this.taken();
        else await this.arrived.wait(AbortSignal.any([signal, tick]));
      }
      yield this.counts();
    }
  }

  /** The reader has left. */
  leave(): void {
    this.gone.abort();
    this.waiting = [];
  }

  private shown(event: {
    readonly body: Buffer;
    readonly key: string | undefined;
    readonly timeMs: number;
    readonly headers: readonly (readonly [name: string, value: string])[];
  }) {
    const { body, key, timeMs, headers } = event;
    const shown = body.subarray(0, this.options.bodyBytesMax);
    return {
      time: Math.abs(timeMs) <= 8.64e15 ? new Date(timeMs).toISOString() : timeMs,
      key,
      headers: Object.fromEntries(headers.map(([name, value]) => [name, value.slice(0, headerCharactersMax)])),
      body: shown.toString("utf8"),
      bytes: body.length,
      cut: shown.length < body.length || undefined,
    };
  }

  private push(event: Readonly<Record<string, unknown>>): void {
    const line = lineOf({ kind: "event", ...event });
    if (this.waitingCharacters + line.length > waitingCharactersMax) {
      this.lost++;
      return;
    }
    this.waiting.push(line);
    this.waitingCharacters += line.length;
    this.arrived.open();
  }

  private taken(): Uint8Array {
    const part = Buffer.from(this.waiting.join(""), "utf8");
    this.waiting = [];
    this.waitingCharacters = 0;
    return part;
  }

  private counts(): Uint8Array {
    return Buffer.from(lineOf({ kind: "counts", ...this.figures }), "utf8");
  }
}

/** So many a second; those of one second at once after a quiet time. */
class Allowance {
  private left: number;
  private atMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly perSecond: number) {
    this.left = perSecond;
  }

  take(nowMs: number): boolean {
    this.left = Math.min(this.perSecond, this.left + ((nowMs - this.atMs) * this.perSecond) / 1_000);
    this.atMs = nowMs;
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}

function place({ channel, number, epoch }: Lane) {
  return { channel, lane: number, epoch };
}

/** As JSON it is one line; what a terminal would act on is written as `\u…`, which JSON reads as the same. */
function lineOf(value: Readonly<Record<string, unknown>>): string {
  return `${visible(JSON.stringify(value))}\n`;
}
