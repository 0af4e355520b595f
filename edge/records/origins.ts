import type { Intake, Positioned } from "../core/source.ts";

/** Where an event was numbered before it came here: a lane of another agent, and its number in it. */
export interface Origin {
  /** `agent/epoch/stream.lane`. */
  readonly lane: string;
  readonly seq: number;
}

/** Lanes of others that are remembered; past it the one that has been quiet longest is forgotten. */
const lanesMax = 100_000;

/** One lane: its key in the store, and the number that comes next. */
class Place implements Positioned {
  constructor(
    readonly key: string,
    public next: number | undefined,
  ) {}

  position(): string | undefined {
    return this.next === undefined ? undefined : String(this.next);
  }
}

/**
 * How far the lanes of other agents have come here, stored in the transaction of their events. A lane is sent in order, one batch at
 * a time, so a number below the next one is a repeat: its sender had not heard the answer. Numbers that are left out went elsewhere
 * (another member of a group, a dead letter).
 */
export class Origins {
  /** Those that moved last at the end. */
  private readonly places = new Map<string, Place>();

  constructor(stored: ReadonlyMap<string, string>) {
    for (const [key, text] of stored) {
      const next = Number(text);
      if (Number.isSafeInteger(next)) this.places.set(key, new Place(key, next));
    }
  }

  /** Whether the event is new; from here on it is not. To be called right before it is appended. */
  isNew({ lane, seq }: Origin, intake: Intake): boolean {
    if (seq < this.nextOf(lane)) return false;
    this.came(lane, seq + 1, intake);
    return true;
  }

  /** The first number of a lane that is not here: all below it are, or went elsewhere. */
  nextOf(lane: string): number {
    return this.places.get(lane)?.next ?? 0;
  }

  /** Of a lane all below `next` is here, for whoever brings many at once: in the turn in which they are appended. */
  came(lane: string, next: number, intake: Intake): void {
    const place = this.places.get(lane) ?? new Place(lane, 0);
    place.next = next;
    this.places.delete(lane);
    this.places.set(lane, place);
    intake.moved(place);
    if (this.places.size > lanesMax) this.forgetOldest(intake);
  }

  get lanesKnown(): number {
    return this.places.size;
  }

  private forgetOldest(intake: Intake): void {
    for (const [key, place] of this.places) {
      this.places.delete(key);
      place.next = undefined;
      intake.moved(place);
      return;
    }
  }
}

/** Of an event's id (`agent/epoch/stream.lane/seq`); undefined: it is none. */
export function originOf(id: string): Origin | undefined {
  const [, lane, seq] = /^([^\s/]{1,100}\/[^\s/]{1,100}\/[^\s/]{1,120})\/(\d{1,16})$/.exec(id) ?? [];
  const number = Number(seq);
  return lane === undefined || !Number.isSafeInteger(number) ? undefined : { lane, seq: number };
}
