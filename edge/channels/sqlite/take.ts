import { invariant } from "../../../shared/errors/invariant.ts";
import type { ShedReason } from "../../../shared/identity/identity.ts";
import type { LaneReader } from "../../core/channel.ts";
import type { Lane } from "../../core/lane.ts";
import { buildShedMarker } from "../../core/shed-marker.ts";
import type { PutBatch, StoredBatch } from "../../core/stored-batch.ts";
import { isDamage } from "./channel-file.ts";
import type { BatchRow } from "./connection.ts";
import { sqliteCode } from "./driver.ts";
import { endOf, footprint, type HeldBatch, isIntact } from "./held-batch.ts";
import type { Holdings } from "./holdings.ts";
import type { LaneState } from "./lane-state.ts";
import { addCounter } from "./progress.ts";
import { insertBody, removeBody, replaceBatch } from "./put.ts";
import { SLOTS } from "./schema.ts";
import { countShed } from "./shed.ts";
import { signals } from "./telemetry.ts";

/** Reads one lane. One batch is held in memory for whoever asks again; everything else is read when it is asked for. */
export class SqliteLaneReader implements LaneReader {
  readonly lane: Lane;
  readonly begins = 0;
  private head: HeldBatch | undefined;
  private readonly sessions: Map<string, string>;
  private handedOverAt: number | undefined;
  private unreadable: { readonly first: number; tries: number } | undefined;

  constructor(
    private readonly holdings: Holdings,
    private readonly state: LaneState,
  ) {
    this.lane = state.lane;
    this.sessions = holdings.journal.sessions(state.lane);
  }

  get mark(): string | undefined {
    return this.state.progress.mark;
  }

  get seqAtStart(): number {
    return this.handedOverAt ?? this.state.seqAtStart;
  }

  /** See `Channel.handOver`. */
  handOver(): void {
    this.handedOverAt = this.state.progress.next;
  }

  next(after?: StoredBatch): HeldBatch | undefined {
    const { acked, next } = this.state.progress;
    const first = after === undefined ? acked : Math.max(acked, endOf(after));
    if (first >= next) return undefined;
    const batch = this.head?.first === first ? this.head : (this.state.recentAt(first) ?? this.readHeld(first));
    if (after === undefined) this.head = batch;
    this.state.taken = Math.max(this.state.taken, endOf(batch));
    return batch;
  }

  readAhead(batch: StoredBatch): (() => void) | undefined {
    const first = endOf(batch);
    if (first >= this.state.progress.next || this.state.recentAt(first) !== undefined) return undefined;
    return () => {
      // The answer was quicker: whoever asked has read it already.
      if (this.head?.first !== batch.first) return;
      const behind = this.readPlain(first);
      if (behind !== undefined) this.state.rememberAhead(behind);
    };
  }

  kept(seq: number): HeldBatch | undefined {
    const { kept, acked } = this.state.progress;
    if (seq < kept || seq >= acked) return undefined;
    const row = this.file.read(({ rowBefore }) => rowBefore.get(this.lane.id, seq));
    if (row === undefined || row.first < kept || endOf(row) <= seq) return undefined;
    return row.reason === null ? this.withBody(row) : this.marker(row, row.reason);
  }

  lease(batch: StoredBatch): void {
    this.state.taken = Math.max(this.state.taken, endOf(batch));
  }

  acknowledge(batch: StoredBatch, mark: string | undefined): void {
    const held = this.heldOf(batch);
    this.file.whenSettled(() => {
      this.holdings.acknowledged(this.state, held, mark);
      this.head = undefined;
    });
  }

  bury(batch: StoredBatch, reason: string): void {
    const held = this.heldOf(batch);
    if (held.kind === "shed") {
      // A marker that nobody takes is not worth another marker.
      this.acknowledge(batch, undefined);
      return;
    }
    this.holdings.change((draft) => {
      const { bytes, body } = held;
      const stays = insertBody(draft, this.state, held.first, bytes);
      removeBody(draft, body);
      this.holdings.putAside(draft, this.state, rowOf(held, stays), reason);
      draft.statements.makeMarker.run("dead", this.lane.id, held.first);
      const progress = draft.progress(this.state);
      progress.bytes -= footprint(bytes.length, body);
      progress.dead += held.count;
      draft.afterCommit(() => this.forget(held));
    });
    this.holdings.grewRoom();
  }

  replace(batch: StoredBatch, parts: readonly PutBatch[]): void {
    const held = this.heldOf(batch);
    this.holdings.change((draft) => {
      replaceBatch(draft, this.state, held, parts);
      draft.afterCommit(() => this.forget(held));
    });
  }

  session(destination: string): string | undefined {
    return this.sessions.get(destination);
  }

  saveSession(destination: string, session: string): void {
    this.holdings.change((draft) => {
      draft.statements.saveSession.run(this.lane.id, destination, session);
      draft.afterCommit(() => this.sessions.set(destination, session));
    });
  }

  count(name: string, amount: number): void {
    this.file.whenSettled(() => {
      addCounter(this.state.progress, name, amount);
      this.state.dirty = true;
    });
  }

  private get file() {
    return this.holdings.journal.file;
  }

  /** Batches end in order, one at a time: this is the oldest one that is held. */
  private heldOf(batch: StoredBatch): HeldBatch {
    const { acked } = this.state.progress;
    invariant(
      batch.first === acked,
      `end batch ${batch.first} of lane ${this.lane.id}: the oldest that is held begins at ${acked}`,
    );
    const held = this.next();
    invariant(
      held !== undefined && endOf(held) === endOf(batch),
      `batch ${batch.first} is not what lane ${this.lane.id} holds`,
    );
    return held;
  }

  private forget(batch: HeldBatch): void {
    this.state.forgetBelow(endOf(batch));
    this.head = undefined;
  }

  /** From the file, with everything that can be wrong with it. */
  private readHeld(first: number): HeldBatch {
    let row = this.row(first);
    if (row.reason === null && this.holdings.isExpired(row)) {
      this.holdings.expire();
      row = this.row(first);
    }
    if (row.reason !== null) return this.marker(row, row.reason);
    const batch = this.withBody(row);
    if (batch !== undefined) return batch;
    this.quarantine(row);
    row = this.row(first);
    invariant(row.reason !== null, `a marker stands at ${first} of lane ${this.lane.id}`);
    return this.marker(row, row.reason);
  }

  /** The batch at a number when all is well with it; whatever else is there `next` meets, and says so. */
  private readPlain(first: number): HeldBatch | undefined {
    try {
      const { rowFrom, body } = this.file.statements;
      const row = rowFrom.get(this.lane.id, first);
      const plain = row?.first === first && row.reason === null && !this.holdings.isExpired(row);
      if (!plain || row.body === null || !this.state.hasRoomAhead(row.bytes)) return undefined;
      const stored = body.get(row.body);
      return stored?.lane === this.lane.id && stored.first === first
        ? heldBatch(this.lane, row, stored.bytes)
        : undefined;
    } catch {
      return undefined;
    }
  }

  /** The row at a number; where rows are missing, a marker for what they were. */
  private row(first: number): BatchRow {
    const row = this.file.read(({ rowFrom }) => rowFrom.get(this.lane.id, first));
    return row?.first === first ? row : this.fillHole(first, row?.first ?? this.state.progress.next);
  }

  /** Undefined: what is stored is not what was put. @throws AppError `EDGE_CHANNEL_IO` for what may be read next time. */
  private withBody(row: BatchRow): HeldBatch | undefined {
    const bytes = row.body === null ? undefined : this.readBody(row.body, row.first);
    return bytes === undefined ? undefined : heldBatch(this.lane, row, bytes);
  }

  private readBody(body: number, first: number): Buffer | undefined {
    try {
      const row = this.file.statements.body.get(body);
      return row?.lane === this.lane.id && row.first === first ? row.bytes : undefined;
    } catch (error) {
      if (isDamage(sqliteCode(error))) return undefined;
      // A bad sector answers the same for ever; anything else deserves another try.
      if (this.unreadable?.first !== first) this.unreadable = { first, tries: 0 };
      if (++this.unreadable.tries >= readTriesMax) return undefined;
      throw this.file.translate("read", error);
    }
  }

  private marker(row: BatchRow, reason: ShedReason): HeldBatch {
    const { first, count, time_ms_min, time_ms_max, put_ms } = row;
    const { agent } = this.holdings.journal.options;
    const range = { first, count, reason, timeMs: time_ms_max, carried: row.carried ?? undefined };
    const { bytes, recordsCrc } = buildShedMarker(agent, this.lane, range);
    return {
      id: first,
      lane: this.lane,
      kind: "shed",
      first,
      count,
      timeMsMin: time_ms_min,
      timeMsMax: time_ms_max,
      recordsCrc,
      bytes,
      body: null,
      putMs: put_ms,
    };
  }

  /** The body stays in the file, for whoever wants to look at it; out of a slot, which is wanted again. */
  private quarantine(row: BatchRow): void {
    this.holdings.change((draft) => {
      let stays = row.body;
      if (stays !== null && stays <= SLOTS) {
        const bytes = this.readBody(stays, row.first);
        stays = bytes === undefined ? null : insertBody(draft, this.state, row.first, bytes);
        removeBody(draft, row.body);
      }
      this.holdings.putAside(
        draft,
        this.state,
        { ...row, body: stays },
        "damaged: the stored bytes are not what was put",
      );
      draft.statements.makeMarker.run("damaged", this.lane.id, row.first);
      const progress = draft.progress(this.state);
      progress.bytes -= footprint(row.bytes, row.body);
      countShed(progress, "damaged", row.count);
    });
    this.reportDamage(row.first, row.count);
  }

  private fillHole(first: number, end: number): BatchRow {
    const count = end - first;
    const nowMs = this.holdings.journal.options.clock.now();
    this.holdings.change((draft) => {
      draft.statements.insertBatch.run(
        this.lane.id,
        first,
        count,
        "damaged",
        nowMs,
        nowMs,
        0,
        0,
        null,
        draft.livedMs,
        null,
      );
      const progress = draft.progress(this.state);
      progress.batches++;
      countShed(progress, "damaged", count);
    });
    this.reportDamage(first, count);
    const row = this.file.read(({ rowFrom }) => rowFrom.get(this.lane.id, first));
    invariant(row !== undefined, `the marker at ${first} of lane ${this.lane.id} is there`);
    return row;
  }

  private reportDamage(first: number, count: number): void {
    const { channel, stream, number } = this.lane;
    this.holdings.journal.options.report(signals.damaged, {
      component: channel,
      stream,
      lane: number,
      first,
      last: first + count - 1,
    });
  }
}

/** A row of records with its body; undefined when the bytes are not what was put. */
function heldBatch(lane: Lane, row: BatchRow, bytes: Buffer): HeldBatch | undefined {
  const { first, count, crc, body, time_ms_min, time_ms_max, put_ms, carried } = row;
  if (bytes.length !== row.bytes || !isIntact(bytes, crc)) return undefined;
  const batch = {
    id: first,
    lane,
    kind: "records" as const,
    first,
    count,
    timeMsMin: time_ms_min,
    timeMsMax: time_ms_max,
    recordsCrc: crc,
    bytes,
    body,
    putMs: put_ms,
  };
  return carried === null ? batch : { ...batch, carried };
}

/** A read that fails this often is taken for a bad sector. */
const readTriesMax = 3;

function rowOf(batch: HeldBatch, body: number): BatchRow {
  const { first, count, timeMsMin, timeMsMax, recordsCrc, bytes, putMs, carried = null } = batch;
  return {
    first,
    count,
    reason: null,
    time_ms_min: timeMsMin,
    time_ms_max: timeMsMax,
    crc: recordsCrc,
    bytes: bytes.length,
    body,
    put_ms: putMs,
    carried,
  };
}
