/**
 * The only place that ends a batch: takes a lane's batches one by one, has the sink deliver each, and acknowledges,
 * buries or replaces it by what the sink says. One batch of a lane is in delivery at a time; lanes are independent.
 *
 * A stop comes in two steps: no batch is begun any more, and later what is still under way is given up. In between most deliveries end:
 * one that is cut in its middle may come again.
 */
import { Backoff } from "../../shared/async/backoff.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { AppError, declaredCode, endsProcess, messageOf } from "../../shared/errors/app-error.ts";
import type { Random } from "../../shared/random/random.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { LaneReader } from "../core/channel.ts";
import type { Delivery, LaneDelivery } from "../core/sink.ts";
import { cutBatch } from "../core/split-batch.ts";
import type { StoredBatch } from "../core/stored-batch.ts";

export interface RunLaneOptions {
  readonly reader: LaneReader;
  readonly delivery: LaneDelivery;
  /** Aborts when a delivery that is under way is to be given up: later than the signal after which no other is begun. */
  readonly givenUp: AbortSignal;
  /** Resolves when there may be a batch, or when the lane may have become ready to be sent. */
  readonly wait: (signal: AbortSignal) => Promise<void>;
  /** False while lanes that come before this one still hold batches. */
  readonly mayStart: () => boolean;
  /** Called when the lane has sent the last that it had: those that wait for it look again. */
  readonly drained: () => void;
  /** Called after each batch that ended: its acknowledgement waits for a durable mark. */
  readonly ended: () => void;
  /** Called with each batch before it is delivered, once however often it is tried. */
  readonly taken: (batch: StoredBatch) => void;
  /** The lane's state changed: for the status page. */
  readonly changed: (state: DeliveryState) => void;
  readonly random: Random;
  readonly report: Report;
  readonly sinkName: string;
}

/** What a lane does now. */
export type DeliveryState =
  | { readonly kind: "idle" }
  | { readonly kind: "sending" }
  | { readonly kind: "retrying"; readonly code: string; readonly message: string; readonly hint: string }
  | { readonly kind: "failed"; readonly code: string; readonly message: string; readonly hint: string };

const signals = {
  retrying: defineSignal({
    name: "delivery_retried",
    level: "warn",
    message: "Delivery did not work; the channel holds the events and it is tried again",
    atMostEveryMs: 30_000,
  }),
  resumed: defineSignal({ name: "delivery_resumed", level: "info", message: "Delivery works again" }),
  buried: defineSignal({
    name: "batch_refused",
    level: "error",
    message: "The destination refuses this batch for ever; it is kept for `channel export --dead`",
    atMostEveryMs: 10_000,
  }),
  failed: defineSignal({
    name: "lane_failed",
    level: "error",
    message: "This lane cannot go on until the next start; the others do",
  }),
};

/**
 * Runs until the signal aborts, or until the sink says that the lane cannot go on.
 *
 * @throws AppError `invariant`: our own assumption was broken, or the channel file is; the process must stop.
 */
export async function runLane(options: RunLaneOptions, signal: AbortSignal): Promise<void> {
  await deliverAll(options, signal);
  leave(options);
}

/** Of a batch that is half delivered, the half that the destination has is acknowledged: the next one to deliver does not know of it. */
function leave({ reader, delivery, ended }: RunLaneOptions): void {
  if (delivery.leave === undefined) return;
  try {
    const batch = reader.next();
    const has = batch?.kind === "records" ? delivery.leave(batch) : 0;
    if (batch === undefined || has === 0) return;
    if (has < batch.count) reader.replace(batch, cutBatch(batch, [batch.first + has]));
    const first = reader.next();
    if (first === undefined) return;
    reader.acknowledge(first, undefined);
    ended();
  } catch (thrown) {
    // The disk takes nothing: then that half comes again.
    if (!(thrown instanceof AppError) || endsProcess(thrown)) throw thrown;
  }
}

async function deliverAll(options: RunLaneOptions, signal: AbortSignal): Promise<void> {
  const { reader, changed, report, sinkName } = options;
  const { stream, number } = reader.lane;
  const backoff = new Backoff({ initialMs: 100, maxMs: 5_000 }, options.random);
  let retrying = false;
  let ranEmpty = false;
  while (!signal.aborted) {
    const step = await takeStep(options, retrying);
    switch (step.kind) {
      case "empty":
        changed({ kind: "idle" });
        // Said once: idle lanes that told each other each time they look would never let go of the thread.
        if (ranEmpty) options.drained();
        ranEmpty = false;
        await options.wait(signal);
        break;
      case "ended":
        if (retrying) report(signals.resumed, { component: sinkName, stream, lane: number });
        retrying = false;
        ranEmpty = true;
        backoff.reset();
        options.ended();
        break;
      case "thrown": {
        if (signal.aborted) return;
        const { error } = step;
        const said = { code: error.code, message: messageOf(error), hint: error.hint };
        const fields = { component: sinkName, stream, lane: number, error: said.message, hint: said.hint };
        if (error.severity === "fatal") {
          changed({ kind: "failed", ...said });
          report(signals.failed, fields);
          return;
        }
        retrying = true;
        changed({ kind: "retrying", ...said });
        report(signals.retrying, fields);
        // The destination is back: what comes next begins with short waits again.
        if (await pause(error.retryAfterMs ?? backoff.nextMs(), options.delivery, signal)) backoff.reset();
        break;
      }
    }
  }
}

/** Waits, but not longer than the destination is away; true when it is back before. */
async function pause(ms: number, delivery: LaneDelivery, signal: AbortSignal): Promise<boolean> {
  if (delivery.back === undefined) {
    await sleep(ms, signal);
    return false;
  }
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const isBack = await Promise.race([sleep(ms, either).then(() => false), delivery.back(either).then(() => true)]);
  over.abort();
  return isBack;
}

type Step =
  | { readonly kind: "empty" }
  | { readonly kind: "ended" }
  | { readonly kind: "thrown"; readonly error: AppError };

/** Brings the next batch to its end, if there is one. What the channel or the sink throws on the way is told apart here. */
async function takeStep(options: RunLaneOptions, retrying: boolean): Promise<Step> {
  const { reader, delivery, changed } = options;
  try {
    const batch = options.mayStart() ? reader.next() : undefined;
    if (batch === undefined) return { kind: "empty" };
    reader.lease(batch);
    if (!retrying) {
      changed({ kind: "sending" });
      options.taken(batch);
    }
    const delivered = delivery.deliver(batch, options.givenUp);
    const readAhead = reader.readAhead(batch);
    if (readAhead !== undefined) whenSent(readAhead);
    end(options, batch, await delivered);
    return { kind: "ended" };
  } catch (error) {
    if (!(error instanceof AppError)) {
      // Something a sink did not foresee is no reason to lose the lane: the batch stays and is tried again.
      return { kind: "thrown", error: new AppError("EDGE_SINK_UNEXPECTED", "deliver a batch", { cause: error }) };
    }
    if (endsProcess(error)) throw error;
    return { kind: "thrown", error };
  }
}

/** Sinks gather what is ready in one turn of the event loop and send it in the next: this is behind that. */
function whenSent(run: () => void): void {
  setImmediate(() => setImmediate(run));
}

function end(options: RunLaneOptions, batch: StoredBatch, result: Delivery): void {
  const { reader, report, sinkName } = options;
  switch (result.kind) {
    case "delivered":
      reader.acknowledge(batch, result.mark);
      return;
    case "refused": {
      const { name, hint } = declaredCode(result.code);
      reader.bury(batch, `${name}: ${result.reason}`);
      report(signals.buried, {
        component: sinkName,
        stream: reader.lane.stream,
        lane: reader.lane.number,
        first: batch.first,
        last: batch.first + batch.count - 1,
        reason: result.reason,
        hint,
      });
      return;
    }
    case "split":
      reader.replace(batch, result.parts);
      return;
  }
}
