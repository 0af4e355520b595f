/**
 * The fleet as people ask for it: who is there, what is missing where, who was away. Sums over the whole fleet are read
 * once for all who ask, and seldom enough that they take a twentieth of the thread at most.
 */
import type { Clock } from "../../shared/clock/clock.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import { bookOf, type LaneBook, unknownLane } from "../fleet/lane-book.ts";
import {
  comparePlaces,
  type FleetAgent,
  type FleetState,
  type ListPlace,
  placeOf,
  stateOf,
} from "../fleet/standing.ts";
import type { AgentRow, FleetReader, JoinedLane } from "../store/fleet-port.ts";
import { booksUnbalanced } from "../telemetry.ts";
import type { Lag } from "./lag.ts";

/** What central is told of heartbeats by its config, and by its consumer. */
export interface FleetOptions {
  readonly reader: FleetReader;
  readonly clock: Clock;
  readonly report: Report;
  /** Where each partition stands. */
  readonly lag: () => Promise<Lag>;
  /** Whether a broker has answered just now: while none does, no vehicle can be heard. */
  readonly connected: () => boolean;
  /** Their topic; undefined: none are read. */
  readonly heartbeats: string | undefined;
  /** Whether central reads a topic: numbers that go elsewhere are no business of its books. */
  readonly reads: (topic: string) => boolean;
  /** How long what was acknowledged may take until it is stored. */
  readonly patienceMs: number;
}

/** A lane whose book has a difference. */
export interface UnbalancedLane {
  readonly agent: string;
  readonly epoch: string;
  readonly stream: string;
  readonly lane: number;
  readonly difference: number;
  readonly why: string;
}

/** The sums of all lanes' books. */
export interface FleetBooks extends Record<BookPart, number> {
  readonly balanced: boolean;
  /** Since when there is a difference. */
  readonly sinceMs: number | null;
  /** Some of the lanes that have one. */
  readonly lanes: UnbalancedLane[];
}

/** What a book is made of. */
export const bookParts = [
  "assigned",
  "beforeFirst",
  "stored",
  "inVehicle",
  "onTheWay",
  "shed",
  "dead",
  "missing",
  "difference",
] as const;
/** One of them. */
export type BookPart = (typeof bookParts)[number];

/** All agents, the ones that need somebody first, and how many there are of each state. */
export interface FleetSummary {
  readonly agents: readonly (FleetAgent & { readonly place: ListPlace })[];
  readonly counts: Readonly<Record<FleetState, number>>;
  readonly heartbeats: "current" | "behind" | "off";
}

interface Sums {
  readonly atMs: number;
  readonly tookMs: number;
  readonly rows: readonly AgentRow[];
  readonly byAgent: ReadonlyMap<string, Record<BookPart, number>>;
  readonly books: FleetBooks;
}

/** Heartbeats that have just come: they are read within a second. At most one of each agent, or they are no news. */
const lagMax = 1_000;
const freshMsMin = 1_000;
/** Of what a reading took: so long its answer holds. */
const freshTimes = 20;
const unbalancedMax = 100;

export class FleetService {
  private sums: Promise<Sums> | undefined;
  private known: Sums | undefined;

  constructor(private readonly options: FleetOptions) {}

  /** What is not summed up is read from here. */
  get store(): FleetReader {
    return this.options.reader;
  }

  async view(): Promise<FleetSummary> {
    const { rows, byAgent } = await this.read();
    const heartbeats = await this.heartbeats(rows.length);
    const nowMs = this.options.clock.now();
    const counts = { online: 0, silent: 0, stopped: 0, unheard: 0 };
    const agents = rows.map((row): FleetAgent & { place: ListPlace } => {
      const state = stateOf(row.presence, nowMs, heartbeats === "current");
      counts[state]++;
      const book = byAgent.get(row.agent) ?? noBook();
      return { ...row, state, book, place: placeOf({ ...row, state }) };
    });
    agents.sort((a, b) => comparePlaces(a.place, b.place));
    return { agents, counts, heartbeats };
  }

  async books(): Promise<FleetBooks> {
    return (await this.read()).books;
  }

  /** What was summed up last, for metrics; undefined before the first time. */
  get latestBooks(): FleetBooks | undefined {
    return this.known?.books;
  }

  /** Sums up when it is due, and says when the books do not add up. */
  async sample(): Promise<void> {
    const { books } = await this.read();
    if (books.balanced) return;
    const [first] = books.lanes;
    this.options.report(booksUnbalanced, { difference: books.difference, lanes: books.lanes.length, ...first });
  }

  /** Whether heartbeats are read, and have been read to their end: only then a silence is the vehicle's. */
  private async heartbeats(agents: number): Promise<"current" | "behind" | "off"> {
    const { heartbeats, lag, connected } = this.options;
    if (heartbeats === undefined) return "off";
    if (!connected()) return "behind";
    const justCome = Math.min(lagMax, agents + 1);
    const own = (await lag()).partitions.filter(({ topic }) => topic === heartbeats);
    const current = own.every(
      ({ lag: left, unread, stalled }) => left !== null && left <= justCome && !unread && !stalled,
    );
    return own.length > 0 && current ? "current" : "behind";
  }

  private read(): Promise<Sums> {
    const nowMs = this.options.clock.uptimeMs();
    const { known } = this;
    if (known !== undefined && nowMs - known.atMs < Math.max(freshMsMin, known.tookMs * freshTimes)) {
      return Promise.resolve(known);
    }
    this.sums ??= this.sumUp().finally(() => {
      this.sums = undefined;
    });
    return this.sums;
  }

  private async sumUp(): Promise<Sums> {
    const { clock } = this.options;
    const atMs = clock.uptimeMs();
    const rows = await this.store.agents();
    const byAgent = new Map<string, Record<BookPart, number>>();
    const total = noBook();
    const lanes: UnbalancedLane[] = [];
    let sinceMs = Number.POSITIVE_INFINITY;
    await this.store.lanes(undefined, (lane) => {
      const book = this.bookOf(lane);
      if (book === undefined) return;
      const own = byAgent.get(lane.agent) ?? noBook();
      byAgent.set(lane.agent, own);
      addBook(own, book);
      addBook(total, book);
      if (book.difference === 0) return;
      const { agent, epoch, stream, lane: number } = lane;
      if (lanes.length < unbalancedMax) {
        lanes.push({ agent, epoch, stream, lane: number, difference: book.difference, why: book.why ?? "" });
      }
      sinceMs = Math.min(sinceMs, book.sinceMs ?? sinceMs);
    });
    const balanced = lanes.length === 0;
    const books = { ...total, balanced, sinceMs: balanced ? null : sinceMs, lanes };
    this.known = { atMs, tookMs: clock.uptimeMs() - atMs, rows, byAgent, books };
    return this.known;
  }

  private bookOf({ ledger, beat }: JoinedLane): LaneBook | undefined {
    if (ledger === undefined && (beat === undefined || !this.options.reads(beat.to))) return undefined;
    return bookOf(ledger ?? unknownLane, beat, this.options.clock.now(), this.options.patienceMs);
  }
}

function noBook(): Record<BookPart, number> {
  return {
    assigned: 0,
    beforeFirst: 0,
    stored: 0,
    inVehicle: 0,
    onTheWay: 0,
    shed: 0,
    dead: 0,
    missing: 0,
    difference: 0,
  };
}

function addBook(sums: Record<BookPart, number>, book: LaneBook): void {
  for (const part of bookParts) sums[part] = Math.min(Number.MAX_SAFE_INTEGER, sums[part] + book[part]);
}
