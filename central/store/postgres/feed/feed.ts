/**
 * New events in the order of each partition, out of tables that are in the order of vehicles and times.
 *
 * A position is, for each source (a partition's incarnation), the offset before which all was seen. What a source has
 * stored since is told by its arrivals (arrivals.ts): whose events came, in which times. So a round looks at the sources'
 * rows, and where one has moved at its arrivals, and where somebody wants these at the events.
 *
 * Offsets are in the order of commits: the writer that moves a partition holds its row. An order of commits over all
 * partitions does not exist, and is not needed.
 */
import type { SQL } from "bun";
import type {
  EventFeed,
  FeedAnswer,
  FeedEvent,
  FeedPosition,
  FeedRequest,
  FeedRound,
  NotShown,
} from "../../feed-port.ts";
import { daysThere } from "../events/event-days.ts";
import { ReadPool } from "../read-pool.ts";
import { textOf } from "../values.ts";
import { type ArrivedSeries, countArrived, readArrivals, readArrived, readNames } from "./queries.ts";

/** Somebody who comes back after more than this is not brought up to date event by event. */
const scanEventsMax = 500_000;
/** Names of series that are remembered. */
const namesMax = 50_000;

interface Source {
  readonly id: number;
  readonly next: number;
  readonly toldFrom: number;
  readonly topic: string;
  readonly partition: number;
}

/** The state of the store that a round sees. */
interface State {
  /** Of all stores, this one; as a number, because positions are numbers. */
  readonly store: number;
  readonly sources: readonly Source[];
}

interface Names {
  readonly vehicle: string;
  readonly stream: string;
}

type Seen = ReadonlyMap<number, number>;

export class PostgresFeed implements EventFeed {
  private readonly pool: ReadPool;
  private readonly names = new Map<number, Names>();
  private turn: Promise<unknown> = Promise.resolve();

  /** `scanEventsMax`: the default is right but for tests. */
  constructor(
    address: string,
    private readonly bounds: { readonly scanEventsMax: number } = { scanEventsMax },
  ) {
    this.pool = new ReadPool(address, 1);
  }

  async now(): Promise<FeedPosition> {
    return (await this.read([])).at;
  }

  async read(requests: readonly FeedRequest[]): Promise<FeedRound> {
    const mine = this.turn.then(() => this.pool.read("follow the store", (sql) => this.round(sql, requests)));
    this.turn = mine.catch(() => undefined);
    return await mine;
  }

  rest(): void {
    // After whoever reads just now.
    this.turn = this.turn.then(() => this.pool.drop());
  }

  private async round(sql: SQL, requests: readonly FeedRequest[]): Promise<FeedRound> {
    const state = await readState(sql);
    const answers: FeedAnswer[] = [];
    for (const request of requests) answers.push(await this.answer(sql, state, request));
    return {
      at: formatPosition(
        state.store,
        state.sources.map(({ id, next }) => [id, next]),
      ),
      answers,
    };
  }

  private async answer(sql: SQL, state: State, request: FeedRequest): Promise<FeedAnswer> {
    const { sources } = state;
    const seen = readPosition(state.store, request.after);
    if (seen === undefined || !isBefore(seen, sources)) {
      return { kind: "lost", why: "the position is of another store, or of a later state of this one", notShown: [] };
    }
    const moved = sources.filter(({ id, next }) => next > (seen.get(id) ?? 0));
    if (moved.length === 0) return { kind: "events", events: [], skipped: 0 };
    const notShown = moved.map((source) => notShownOf(source, seen));
    if (moved.some(({ id, toldFrom }) => (seen.get(id) ?? 0) < toldFrom)) {
      return { kind: "lost", why: "too much time has passed since", notShown };
    }
    const from = moved.map(({ id }) => ({ source: id, offset: seen.get(id) ?? 0 }));
    const arrived = await readArrivals(sql, from, this.bounds.scanEventsMax);
    if (arrived === undefined) {
      return { kind: "lost", why: `more than ${this.bounds.scanEventsMax} events have been stored since`, notShown };
    }
    const names = await this.namesOf(sql, arrived);
    const wanted = arrived.filter(({ series }) => {
      const { vehicle, stream } = names.get(series) ?? {};
      return vehicle !== undefined && stream !== undefined && request.wants(vehicle, stream);
    });
    if (wanted.length === 0) return { kind: "events", events: [], skipped: 0 };
    const days = await daysThere(sql);
    const { count, bytes } = await countArrived(sql, wanted, days);
    if (count > request.eventsMax || bytes > request.bytesMax) return { kind: "events", events: [], skipped: count };
    const rows = await readArrived(sql, wanted, days);
    const events = rows.map(({ series, row }): FeedEvent => {
      const { vehicle = "", stream = "" } = names.get(series) ?? {};
      const { source, offset } = row.position;
      const pairs = sources.map(({ id, next }): readonly [number, number] => {
        // In the order of sources: of those before this one all was seen, of those after it nothing new.
        if (id === source) return [id, offset + 1];
        return [id, id < source ? next : (seen.get(id) ?? 0)];
      });
      return { vehicle, row: { ...row, stream }, position: formatPosition(state.store, pairs) };
    });
    return { kind: "events", events, skipped: 0 };
  }

  private async namesOf(sql: SQL, arrived: readonly ArrivedSeries[]): Promise<ReadonlyMap<number, Names>> {
    const unknown = [...new Set(arrived.map(({ series }) => series))].filter((id) => !this.names.has(id));
    if (this.names.size + unknown.length > namesMax) this.names.clear();
    const asked = this.names.size === 0 ? [...new Set(arrived.map(({ series }) => series))] : unknown;
    for (const { id, vehicle, stream } of await readNames(sql, asked)) {
      this.names.set(id, { vehicle: textOf(vehicle), stream: textOf(stream) });
    }
    return this.names;
  }
}

async function readState(sql: SQL): Promise<State> {
  const [[store], rows] = await Promise.all([
    sql<{ id: string }[]>`select id from store limit 1`,
    sql<(Omit<Source, "topic"> & { readonly topic: Buffer })[]>`
      select id, next::float8 as next, told_from::float8 as "toldFrom", topic, partition from source order by id`,
  ]);
  const sources = rows.map((row) => ({ ...row, topic: textOf(row.topic) }));
  // 48 bits of its 64: as exact as a number can be.
  return { store: Number.parseInt(store?.id.slice(0, 12) ?? "", 16), sources };
}

function formatPosition(store: number, pairs: readonly (readonly [number, number])[]): FeedPosition {
  return [store, ...pairs.flat()];
}

/** Undefined: this store has made no such position. */
function readPosition(store: number, [of, ...pairs]: FeedPosition): Seen | undefined {
  if (of !== store || pairs.length % 2 !== 0) return undefined;
  const seen = new Map<number, number>();
  for (let index = 0; index < pairs.length; index += 2) seen.set(pairs[index] ?? 0, pairs[index + 1] ?? 0);
  return seen;
}

function isBefore(seen: Seen, sources: readonly Source[]): boolean {
  const now = new Map(sources.map(({ id, next }) => [id, next]));
  return [...seen].every(([source, next]) => next <= (now.get(source) ?? -1));
}

function notShownOf({ id, topic, partition, next }: Source, seen: Seen): NotShown {
  return { topic, partition, firstOffset: seen.get(id) ?? 0, lastOffset: next - 1 };
}
