import { Gate } from "../../../shared/async/gate.ts";
import type { Admission, OldestHeld } from "../../core/channel.ts";
import type { StoredChannel } from "../../core/channel-store.ts";
import type { BatchRow } from "./connection.ts";
import type { Draft } from "./draft.ts";
import { endOf, footprint, type HeldBatch } from "./held-batch.ts";
import type { Journal } from "./journal.ts";
import { Kept } from "./kept.ts";
import type { LaneState } from "./lane-state.ts";
import { addCounter } from "./progress.ts";
import { removeBody } from "./put.ts";
import { SLOTS } from "./schema.ts";
import { type Shedding, shedBytes, shedOlder } from "./shed.ts";
import { signals } from "./telemetry.ts";

/** How often a channel that is closed for want of disk looks again. */
const diskLookMs = 1_000;
/** TTL drops at most this much in one transaction, so that no commit takes long. */
const expireBytesMax = 16 * 1024 * 1024;
/** How often a commit looks for what is too old. */
const expireEveryMs = 1_000;
/** Dead letters of the whole file; the oldest go first. */
const deadBytesMax = 64 * 1024 * 1024;
/** Rows that are gone but not yet deleted are swept in one go: it touches as many pages for one as for these. */
const sweepRows = 64;

/** What one channel holds of the file: how much, whether more fits, what policy drops, and what is kept a while longer. */
export class Holdings {
  readonly room = new Gate();
  readonly arrived = new Gate();
  readonly kept: Kept;
  readonly lanes: LaneState[] = [];
  heldBytes = 0;

  /** False after policy found nothing more that it may drop. */
  private canShed = true;
  private diskTimer: ReturnType<typeof setTimeout> | undefined;
  private expiredMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly journal: Journal,
    readonly channel: string,
    public choice: StoredChannel,
  ) {
    this.kept = new Kept(choice.keptBytes);
  }

  /** Takes new bounds; what is held stays. */
  configure(choice: StoredChannel): void {
    this.choice = choice;
    this.kept.bytesMax = choice.keptBytes;
    if (this.admission() === "open") this.room.open();
  }

  /** A lane that the file holds. */
  adopt(state: LaneState): void {
    this.lanes.push(state);
    this.heldBytes += state.progress.bytes;
  }

  admission(): Admission {
    const fullBy = this.fullBy();
    if (fullBy === undefined) return "open";
    if (fullBy === "disk") this.lookAtDiskLater();
    if (this.choice.full === "drop_newest") return "dropping";
    return this.choice.full === "drop_oldest" && this.canShed ? "open" : "blocked";
  }

  /** Why nothing more fits. */
  fullBy(): "capacity" | "disk" | undefined {
    // Closed: whoever still asks (a status page, the last words of a stop) is told what memory knows.
    if (!this.journal.closed && this.journal.space.isLow(this.choice.freeBytesMin)) return "disk";
    return this.heldBytes >= this.choice.bytesMax ? "capacity" : undefined;
  }

  /** One transaction of its own, durable on return. */
  change(build: (draft: Draft) => void): void {
    this.journal.change((draft) => {
      build(draft);
      draft.afterCommit(() => this.recount());
    });
  }

  /** Memory of a delivery; the next commit makes it durable. */
  acknowledged(state: LaneState, batch: HeldBatch, mark: string | undefined): void {
    const { progress } = state;
    const takes = footprint(batch.bytes.length, batch.body);
    progress.acked = endOf(batch);
    if (batch.kind === "records") progress.sent += batch.count;
    progress.batches--;
    progress.bytes -= takes;
    if (mark !== undefined) progress.mark = mark;
    state.dirty = true;
    state.forgetBelow(progress.acked);
    this.kept.push({ lane: state, end: progress.acked, body: batch.body, bytes: takes });
    this.journal.unmarkedBytes += batch.bytes.length;
    this.heldBytes -= takes;
    this.grewRoom();
  }

  /** There may be room again. */
  grewRoom(): void {
    this.canShed = true;
    if (this.heldBytes < this.choice.bytesMax) this.room.open();
  }

  /** Deletes what need not be kept longer; rides in whatever transaction comes. */
  deleteDue(draft: Draft): void {
    const due = this.kept.due();
    const pagesTouched = new Set<LaneState>();
    for (const { lane, end, body } of due) {
      removeBody(draft, body);
      draft.progress(lane).kept = end;
      if (body !== null && body > SLOTS) pagesTouched.add(lane);
      draft.afterCommit(() => {
        lane.garbage++;
      });
    }
    for (const lane of this.lanes) {
      if (lane.garbage < sweepRows && !pagesTouched.has(lane)) continue;
      draft.statements.sweepBatches.run(lane.lane.id, draft.progress(lane).kept);
      draft.afterCommit(() => {
        lane.garbage = 0;
      });
    }
    draft.afterCommit(() => this.kept.drop(due));
  }

  /** What policy says before `putBytes` are put: `drop_oldest` makes room, TTL drops what is too old. */
  applyPolicy(draft: Draft, putBytes: number, diskIsFull: boolean): void {
    const { full, bytesMax, freeBytesMin, ttlMs } = this.choice;
    if (ttlMs !== undefined && draft.livedMs - this.expiredMs >= expireEveryMs) {
      this.expireIn(draft, draft.livedMs - ttlMs);
    }
    if (full !== "drop_oldest" || putBytes === 0) return;
    let over = this.heldBytes + putBytes - bytesMax;
    if (diskIsFull || this.journal.space.isLow(freeBytesMin)) over = Math.max(over, putBytes * 1.2 + 64 * 1024);
    if (over <= 0) return;
    const done = shedBytes(draft, this.lanes, over);
    this.tell(draft, "overflow", done);
    draft.afterCommit(() => {
      this.canShed = done.bytes >= over;
    });
  }

  /** Whether a row is known to be older than the TTL. An unsynchronised boot in between makes it look younger, never older. */
  isExpired(row: BatchRow): boolean {
    const { ttlMs } = this.choice;
    return ttlMs !== undefined && this.journal.livedMs() - row.put_ms > ttlMs;
  }

  /** Drops what is too old, now. */
  expire(): void {
    const { ttlMs } = this.choice;
    if (ttlMs !== undefined) this.change((draft) => this.expireIn(draft, draft.livedMs - ttlMs));
  }

  /** Keeps a batch that will never be delivered, for `channel export --dead`. */
  putAside(draft: Draft, state: LaneState, row: BatchRow, reason: string): void {
    const { first, count, time_ms_min, time_ms_max, crc, bytes, body } = row;
    const { statements, changes } = draft;
    statements.insertDead.run(state.lane.id, first, count, reason, time_ms_min, time_ms_max, crc, bytes, body);
    let total = changes.add("file", "", "dead_bytes", bytes);
    let dropped = 0;
    for (let oldest = statements.oldestDead.get(); oldest !== undefined; oldest = statements.oldestDead.get()) {
      if (total <= deadBytesMax) break;
      if (oldest.body !== null) statements.deleteBody.run(oldest.body);
      statements.deleteDead.run(oldest.id);
      total = changes.add("file", "", "dead_bytes", -oldest.bytes);
      addCounter(draft.progress(state), "dead_dropped", 1);
      dropped++;
    }
    if (dropped === 0) return;
    const fields = { component: this.channel, batches: dropped, bytesMax: deadBytesMax };
    draft.afterCommit(() => this.journal.options.report(signals.deadDropped, fields));
  }

  /** Sums the lanes' bytes: after each transaction. */
  recount(): void {
    this.heldBytes = 0;
    for (const { progress } of this.lanes) this.heldBytes += progress.bytes;
  }

  close(): void {
    clearTimeout(this.diskTimer);
  }

  private expireIn(draft: Draft, putMsMin: number): void {
    this.expiredMs = draft.livedMs;
    this.tell(draft, "ttl", shedOlder(draft, this.lanes, putMsMin, expireBytesMax));
  }

  /** Put in this boot, the age is exact; put in an earlier one, nobody knows how long the machine was off. */
  oldestMs(): number | undefined {
    if (this.journal.closed) return undefined;
    let oldest: number | undefined;
    for (const { lane, progress, recent } of this.lanes) {
      if (progress.batches === 0) continue;
      const head = recent[0];
      const putMs =
        head?.first === progress.acked
          ? head.putMs
          : this.journal.file.read(({ rowFrom }) => rowFrom.get(lane.id, progress.acked))?.put_ms;
      if (putMs !== undefined && (oldest === undefined || putMs < oldest)) oldest = putMs;
    }
    return oldest === undefined ? undefined : this.journal.ageMs(oldest);
  }

  /** Where a lane's unsent rows begin. */
  oldest({ lane, progress, recent }: LaneState): OldestHeld {
    const from = progress.acked;
    if (progress.batches === 0 || this.journal.closed) return { from, timeMs: undefined };
    const head = recent[0];
    if (head?.first === from) return { from, timeMs: head.timeMsMin };
    return { from, timeMs: this.journal.file.read(({ rowFrom }) => rowFrom.get(lane.id, from))?.time_ms_min };
  }

  private tell(draft: Draft, reason: string, { records, bytes }: Shedding): void {
    if (records === 0) return;
    draft.afterCommit(() =>
      this.journal.options.report(signals.shed, { component: this.channel, reason, records, bytes }),
    );
  }

  /** Nobody tells us when another program frees space: looks now and then while that is what we wait for. */
  private lookAtDiskLater(): void {
    if (this.journal.closed) return;
    this.diskTimer ??= setTimeout(() => {
      this.diskTimer = undefined;
      if (this.admission() === "open") this.room.open();
    }, diskLookMs);
  }
}
