import type { Intake, Positioned } from "../core/source.ts";
import { LaneNumbers } from "./lane-numbers.ts";

/** Where an event was numbered before it came here: a lane of another agent, and its number in it. */
export interface Origin {
  /** `agent/epoch/stream.lane`. */
  readonly lane: string;
  readonly seq: number;
}

/** Lanes of others that are remembered; past it the one that has been quiet longest is forgotten. */
const lanesMax = 100_000;
const none = new LaneNumbers();

/** One lane, with its key in the store; undefined: it is forgotten. */
class Place implements Positioned {
  constructor(
    readonly key: string,
    public numbers: LaneNumbers | undefined,
  ) {}

  position(): string | undefined {
    return this.numbers?.text;
  }
}

/**
 * What has come here of the lanes of other agents, stored in the transaction of their events. `lane-numbers.ts` says what a repeat is.
 */
export class Origins {
  /** Those that moved last at the end. */
  private readonly places = new Map<string, Place>();

  constructor(stored: ReadonlyMap<string, string>) {
    for (const [key, text] of stored) {
      const numbers = LaneNumbers.parse(text);
      if (numbers !== undefined) this.places.set(key, new Place(key, numbers));
    }
  }

  /** Whether the event is new; from here on it is not. To be called right before it is appended. */
  isNew({ lane, seq }: Origin, intake: Intake): boolean {
    if (this.numbersOf(lane).hasAny(seq)) return false;
    this.change(lane, intake).add(seq);
    return true;
  }

  /** What has come of a lane. */
  numbersOf(lane: string): Pick<LaneNumbers, "hasAny" | "hasBatch" | "knowsBatchesOf"> {
    return this.places.get(lane)?.numbers ?? none;
  }

  /** The same, to be added to: in the turn in which the events are appended. */
  change(lane: string, intake: Intake): LaneNumbers {
    const numbers = this.places.get(lane)?.numbers ?? new LaneNumbers();
    const place = this.places.get(lane) ?? new Place(lane, numbers);
    this.places.delete(lane);
    this.places.set(lane, place);
    intake.moved(place);
    if (this.places.size > lanesMax) this.forgetOldest(intake);
    return numbers;
  }

  get lanesKnown(): number {
    return this.places.size;
  }

  private forgetOldest(intake: Intake): void {
    for (const [key, place] of this.places) {
      this.places.delete(key);
      place.numbers = undefined;
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
