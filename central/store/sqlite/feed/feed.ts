/**
 * New events in the order of arrival, out of a store that keeps no such order once it has folded.
 *
 * A new event is a row of `recent`, whose ids only grow until a fold empties it and they begin at 1 again; or it is in a
 * chunk, whose ids only grow. A fold moves rows into chunks whose events have been seen already, or have not. So a
 * position is: the last chunk, the last row of `recent` with the event that stands in it, and for each source the offset up to
 * which all was seen.
 *
 *     the row still holds that event    no fold in between: newer rows and newer chunks are new, all of them
 *     it does not                       all rows of `recent` are new; of newer chunks, the events from the offsets on
 *
 * One round is one read transaction on a connection of its own. Between two blocks of rows others get their turn on the
 * thread, so a round that unpacks a fold of 200,000 events delays no answer by more than a block.
 */
import { AppError, hasCode } from "../../../../shared/errors/app-error.ts";
import type { EventFeed, FeedAnswer, FeedPosition, FeedRequest, FeedRound, NotShown } from "../../feed-port.ts";
import type { EventRow } from "../../reader.ts";
import { storeFailure } from "../failure.ts";
import { fileIdentity, logIdentity, openReader, sharedMemoryIsWritable } from "../open.ts";
import { ReaderSession } from "../reader-session.ts";
import { compareFeed, type FeedMark, type FoundEvent, formatMark, type Offsets, readMark } from "./mark.ts";
import { FeedSession } from "./session.ts";

/** Somebody who comes back after more than this is not brought up to date event by event. */
const scanEventsMax = 500_000;

interface Connection {
  readonly file: string | undefined;
  readonly log: string;
  readonly reader: ReaderSession;
  readonly feed: FeedSession;
}

export class SqliteFeed implements EventFeed {
  private connection: Connection | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** `scanEventsMax`: the default is right but for tests. */
  constructor(
    private readonly path: string,
    private readonly bounds: { readonly scanEventsMax: number } = { scanEventsMax },
  ) {}

  async now(): Promise<FeedPosition> {
    return (await this.read([])).at;
  }

  async read(requests: readonly FeedRequest[]): Promise<FeedRound> {
    const mine = this.turn.then(() => this.round(requests));
    this.turn = mine.catch(() => undefined);
    return await mine;
  }

  rest(): void {
    // After whoever reads just now.
    this.turn = this.turn.then(() => this.drop());
  }

  private async round(requests: readonly FeedRequest[]): Promise<FeedRound> {
    try {
      const { feed, reader } = this.open();
      reader.database.exec("begin");
      try {
        const at = feed.mark();
        const answers: FeedAnswer[] = [];
        for (const request of requests) answers.push(await this.answer({ feed, reader }, at, request));
        return { at: formatMark(at), answers };
      } finally {
        if (reader.database.inTransaction) reader.database.exec("commit");
        if (!sharedMemoryIsWritable(this.path)) this.drop();
      }
    } catch (thrown) {
      const failure = storeFailure("follow the store", thrown);
      if (hasCode(failure, "CENTRAL_STORE_UNAVAILABLE")) this.drop();
      if (!hasCode(failure, "CENTRAL_RECORD_POISON")) throw failure;
      // A query has no record to blame.
      throw new AppError("INVARIANT", "follow the store", { cause: thrown });
    }
  }

  private async answer(
    { feed, reader }: Pick<Connection, "feed" | "reader">,
    at: FeedMark,
    request: FeedRequest,
  ): Promise<FeedAnswer> {
    const after = readMark(request.after);
    const lost = (why: string): FeedAnswer => ({ kind: "lost", why, notShown: notShown(reader, after?.offsets, at) });
    if (after === undefined || !isBefore(after, at)) {
      return lost("the position is of another store, or of a later state of this one");
    }
    if (feed.eventsAfter(after) > this.bounds.scanEventsMax) {
      return lost(`more than ${this.bounds.scanEventsMax} events have been stored since`);
    }
    const kept: FoundEvent[] = [];
    let bytes = 0;
    let count = 0;
    for await (const block of feed.after(after, request.wants)) {
      for (const found of block) {
        count++;
        bytes += found.event.value?.length ?? 0;
        // What will not be handed out is not kept: the memory is for those who read on.
        if (count > request.eventsMax || bytes > request.bytesMax) kept.length = 0;
        else kept.push(found);
      }
    }
    if (kept.length < count) return { kind: "events", events: [], skipped: count };
    kept.sort(compareFeed);
    const events = kept.map(({ vehicle, stream, event }) => {
      const row: EventRow = reader.eventRow(stream, event);
      return { vehicle, row, position: formatMark({ ...after, within: true, offsets: upTo(after, at, event) }) };
    });
    return { kind: "events", events, skipped: 0 };
  }

  private open(): Connection {
    const file = fileIdentity(this.path);
    if (this.connection?.file !== file || this.connection?.log !== logIdentity(this.path)) this.drop();
    if (this.connection === undefined) {
      const database = openReader(this.path);
      const sessions = { reader: new ReaderSession(database), feed: new FeedSession(database) };
      this.connection = { file, log: logIdentity(this.path), ...sessions };
    }
    return this.connection;
  }

  private drop(): void {
    this.connection?.reader.database.close();
    this.connection = undefined;
  }
}

function isBefore(after: FeedMark, at: FeedMark): boolean {
  if (after.chunk > at.chunk) return false;
  return [...after.offsets].every(([source, next]) => next <= (at.offsets.get(source) ?? -1));
}

/** Events go out by source, then by offset: of sources before this one all was seen, of those after it nothing new. */
function upTo(after: FeedMark, at: FeedMark, event: { readonly source: number; readonly offset: number }): Offsets {
  return new Map(
    [...at.offsets].map(([source, next]) => {
      if (source === event.source) return [source, event.offset + 1];
      return [source, source < event.source ? next : (after.offsets.get(source) ?? 0)];
    }),
  );
}

function notShown(reader: ReaderSession, seen: Offsets | undefined, at: FeedMark): NotShown[] {
  if (seen === undefined) return [];
  return [...at.offsets].flatMap(([source, next]) => {
    const firstOffset = seen.get(source) ?? 0;
    return firstOffset < next ? [{ ...reader.source(source), firstOffset, lastOffset: next - 1 }] : [];
  });
}
