/**
 * What sources stand on whose senders wait for an answer (HTTP, syslog over TCP, Avro, AMQP, MQTT): group acknowledgement.
 *
 * A sender that is answered may forget its events, so the answer comes after the commit that holds them. A commit is an
 * fsync, and a hundred senders that wait at once must not cost a hundred. Therefore senders form a group: whoever comes while
 * the disk is busy, or within a moment after the first, is appended too, and one commit answers them all.
 *
 *     offer ─▶ queue ─(room in the channels)─▶ appended ─(one commit)─▶ taken
 *                └─ not taken: busy, full, stopping, too large      └─ unknown: stopped before the commit was certain
 *
 * What waits is bounded by senders and by bytes: more is refused at once, so that a sender hears it and can slow down. A
 * sender that waits too long for room hears "full"; its events were not appended. Once appended they are not taken back: a
 * sender that gives up then, or that hears "unknown", may find its events taken all the same.
 */
import { Gate } from "../../shared/async/gate.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { limits } from "../core/limits.ts";
import type { Intake } from "../core/source.ts";
import { type Origin, Origins } from "./origins.ts";

/** One event as a sender brings it. */
export interface PushedEvent {
  readonly body: Buffer;
  readonly key?: string;
  readonly eventTimeMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of an event that another agent has numbered: one that is here already is left out, and counted. */
  readonly origin?: Origin;
}

/** What a sender brings at once, in whatever form: all of it is taken, or none. */
export interface Push {
  /** What it takes in memory, about. */
  readonly bytes: number;
  /** Of its largest event. */
  readonly largestBytes: number;
  /** Appends its events, without waiting. `origins` says which of them are here already. */
  appendTo(intake: Intake, origins: Origins): void;
}

/** What the sender hears; the source puts it into its protocol's words. */
export type PushAnswer =
  /** `durable` false: a channel that keeps its events by itself has them, in memory say; a crash loses them. */
  | { readonly kind: "taken"; readonly durable: boolean }
  /** Nothing of it was appended: it may be sent again, to whomever. */
  | { readonly kind: "not_taken"; readonly reason: NotTaken }
  /** Appended, and nobody can say whether it was stored: sent again it may be there twice. */
  | { readonly kind: "unknown" };

/**
 * `busy`: too many wait. `full`: the channel had no room in time. `stopping`: the agent stops. `too_large`: an event is
 * larger than any may be: never. `gave_up`: the sender's signal aborted.
 */
export type NotTaken = "busy" | "full" | "stopping" | "too_large" | "gave_up";

/** Bounds of what waits. */
export interface PushDeskOptions {
  readonly sendersMax?: number;
  readonly bytesMax?: number;
  /** How long a sender waits for its answer. */
  readonly answerWithinMs?: number;
  /** How long the first of a group waits for company; longer when the last commit took longer. */
  readonly gatherMs?: number;
}

interface Offer {
  readonly push: Push;
  appended: boolean;
  /** Undefined once it was answered. */
  answer: ((answer: PushAnswer) => void) | undefined;
}

const gatherMsMax = 50;

export class PushDesk {
  private readonly queue: Offer[] = [];
  private readonly arrived = new Gate();
  private open = false;
  private waitingBytes = 0;
  private lastCommitMs = 0;
  private origins = new Origins(new Map());
  private readonly counts = { taken: 0, notTaken: 0, unknown: 0, commits: 0 };

  constructor(private readonly options: PushDeskOptions = {}) {}

  /** Appends what is offered and answers, until the signal aborts; then everybody who waits has an answer. */
  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.open = true;
    this.origins = new Origins(intake.positions());
    let group: readonly Offer[] = [];
    try {
      while (!signal.aborted) {
        if (this.queue.length === 0) await this.arrived.wait(signal);
        await intake.ready(signal);
        if (signal.aborted || !intake.takesNow()) continue;
        group = this.appendWaiting(intake);
        await sleep(this.gatherMs, signal);
        if (intake.takesNow()) group = [...group, ...this.appendWaiting(intake)];
        if (group.length > 0) await this.commit(intake, group, signal);
        group = [];
      }
    } finally {
      this.open = false;
      for (const offer of group) this.settle(offer, { kind: "unknown" });
      for (const offer of this.queue.splice(0)) this.settle(offer, { kind: "not_taken", reason: "stopping" });
    }
  }

  /** Resolves with the answer; never rejects. All events of an offer are taken, or none. */
  offer(events: readonly PushedEvent[] | Push, signal?: AbortSignal): Promise<PushAnswer> {
    const push = "appendTo" in events ? events : pushOf(events);
    const reason = this.refusal(push, signal);
    if (reason !== undefined) {
      this.counts.notTaken++;
      return Promise.resolve({ kind: "not_taken", reason });
    }
    return new Promise((resolve) => {
      const leave = (reason: NotTaken) => {
        if (offer.appended && reason === "gave_up") return;
        if (offer.appended) this.settle(offer, { kind: "unknown" });
        else {
          this.queue.splice(this.queue.indexOf(offer), 1);
          this.settle(offer, { kind: "not_taken", reason });
        }
      };
      const gaveUp = () => leave("gave_up");
      const timer = setTimeout(() => leave("full"), this.options.answerWithinMs ?? 30_000);
      const offer: Offer = {
        push,
        appended: false,
        answer: (answer) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", gaveUp);
          resolve(answer);
        },
      };
      signal?.addEventListener("abort", gaveUp, { once: true });
      this.queue.push(offer);
      this.waitingBytes += push.bytes;
      this.arrived.open();
    });
  }

  /** For the status page. */
  status(): Readonly<Record<string, unknown>> {
    return { waiting: this.queue.length, waitingBytes: this.waitingBytes, ...this.counts };
  }

  private refusal({ bytes, largestBytes }: Push, signal?: AbortSignal): NotTaken | undefined {
    const { sendersMax = 1_000, bytesMax = limits.pendingBytesMax } = this.options;
    if (!this.open) return "stopping";
    if (signal?.aborted === true) return "gave_up";
    if (bytes > bytesMax || largestBytes > limits.lineBytesMax) return "too_large";
    return this.queue.length >= sendersMax || this.waitingBytes + bytes > bytesMax ? "busy" : undefined;
  }

  /** As long as the last commit took: then the disk is busy half of the time at most. */
  private get gatherMs(): number {
    return Math.min(Math.max(this.options.gatherMs ?? 2, this.lastCommitMs), gatherMsMax);
  }

  private appendWaiting(intake: Intake): readonly Offer[] {
    const group: Offer[] = [];
    while (this.queue.length > 0 && intake.takesNow()) {
      const offer = this.queue.shift();
      if (offer === undefined) break;
      offer.appended = true;
      offer.push.appendTo(intake, this.origins);
      group.push(offer);
    }
    return group;
  }

  private async commit(intake: Intake, group: readonly Offer[], signal: AbortSignal): Promise<void> {
    const { durable } = intake;
    const startMs = performance.now();
    const committed = await intake.committed(signal);
    this.lastCommitMs = performance.now() - startMs;
    this.counts.commits++;
    for (const offer of group) this.settle(offer, committed ? { kind: "taken", durable } : { kind: "unknown" });
  }

  private settle(offer: Offer, answer: PushAnswer): void {
    const { answer: resolve } = offer;
    if (resolve === undefined) return;
    offer.answer = undefined;
    this.waitingBytes -= offer.push.bytes;
    if (answer.kind === "taken") this.counts.taken++;
    else if (answer.kind === "unknown") this.counts.unknown++;
    else this.counts.notTaken++;
    resolve(answer);
  }
}

/** A repeat is as good as taken: the commit that answers its sender comes after the one that held it. */
function pushOf(events: readonly PushedEvent[]): Push {
  let [bytes, largestBytes] = [0, 0];
  for (const event of events) {
    bytes += sizeOf(event);
    largestBytes = Math.max(largestBytes, event.body.length);
  }
  const appendTo = (intake: Intake, origins: Origins) => {
    for (const event of events) {
      const { origin } = event;
      if (origin === undefined || origins.isNew(origin, intake)) append(intake, event);
      else intake.count("repeats_left_out", 1);
    }
  };
  return { bytes, largestBytes, appendTo };
}

function append(intake: Intake, { body, key, eventTimeMs, headers }: PushedEvent): void {
  intake.appendWith(body, 0, body.length, (view) => {
    view.key = key;
    if (eventTimeMs !== undefined) view.eventTimeMs = eventTimeMs;
    if (headers === undefined) return;
    let leftOut = 0;
    for (const [name, value] of Object.entries(headers)) if (!view.setHeader(name, value)) leftOut++;
    if (leftOut > 0) intake.count("headers_left_out", leftOut);
  });
}

/** What it takes in memory, about. */
function sizeOf({ body, key = "", headers = {} }: PushedEvent): number {
  let bytes = body.length + key.length + 64;
  for (const [name, value] of Object.entries(headers)) bytes += name.length + value.length;
  return bytes;
}
