/**
 * Everybody who follows the store live, served by one reader. A round asks the store once for all of them: those who
 * stand at the same place share an answer, one who comes back to an earlier place (`Last-Event-ID`) has an answer of its
 * own. After the round all stand at the same place.
 */
import { sleep } from "../../../shared/async/sleep.ts";
import type { Clock } from "../../../shared/clock/clock.ts";
import { hasCode, messageOf } from "../../../shared/errors/app-error.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import type { EventFeed, FeedAnswer, FeedEvent, FeedPosition } from "../../store/feed-port.ts";
import { feedFailed, subscriberDropped } from "../../telemetry.ts";
import { eventBody } from "../events/schema.ts";
import { feedIds } from "./feed-ids.ts";
import { type FeedFilter, Subscriber } from "./subscriber.ts";

/** How often the store is asked; with nothing new that is three look-ups. */
const roundMs = 250;
const heartbeatMs = 10_000;
/** Of one round. What is more is counted and said. */
const roundBounds = { eventsMax: 20_000, bytesMax: 16 * 1024 * 1024 };
/** A position of more numbers stands at the end of a round alone: with each event it would be longer than the event. */
const shortPosition = 72;

/** What the hub needs. */
export interface HubTools {
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly report: Report;
}

export class FeedHub {
  private readonly places = new Map<Subscriber, FeedPosition>();
  private running = false;
  private away = false;
  private heartbeatAtMs = 0;

  constructor(private readonly tools: HubTools) {}

  /**
   * Follows from `after`; from now on when it is undefined. Ends with `leave`.
   *
   * @throws AppError `CENTRAL_STORE_UNAVAILABLE`.
   */
  async join(filter: FeedFilter, after: FeedPosition | undefined): Promise<Subscriber> {
    const position = after ?? (await this.tools.feed.now());
    const subscriber = new Subscriber(filter);
    this.places.set(subscriber, position);
    this.say(subscriber, { type: "ready", id: after === undefined ? position : undefined }, {});
    if (!this.running) {
      this.running = true;
      this.run().catch((thrown: unknown) => this.tools.report(feedFailed, { error: messageOf(thrown) }));
    }
    return subscriber;
  }

  leave(subscriber: Subscriber): void {
    subscriber.leave();
    this.places.delete(subscriber);
  }

  private async run(): Promise<void> {
    const never = new AbortController().signal;
    try {
      while (this.places.size > 0) {
        await this.round();
        this.heartbeat();
        await sleep(roundMs, never);
      }
    } finally {
      this.running = false;
      this.tools.feed.rest();
    }
  }

  private async round(): Promise<void> {
    const groups = [...Map.groupBy(this.places, ([, position]) => position.join()).values()].map((group) => ({
      after: group[0]?.[1] ?? [],
      members: group.map(([subscriber]) => subscriber),
    }));
    try {
      const { at, answers } = await this.tools.feed.read(
        groups.map(({ after, members }) => ({
          after,
          wants: (vehicle, stream) => members.some((each) => each.wants(vehicle, stream)),
          ...roundBounds,
        })),
      );
      this.storeIs(true);
      for (const [index, { members }] of groups.entries()) {
        const answer = answers[index];
        if (answer === undefined) continue;
        const texts = new Texts();
        for (const member of members) {
          this.deliver(member, answer, at, texts);
          // Whoever has left meanwhile has no place.
          if (this.places.has(member)) this.places.set(member, at);
        }
      }
    } catch (thrown) {
      if (!hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE")) throw thrown;
      this.storeIs(false);
    }
  }

  private deliver(subscriber: Subscriber, answer: FeedAnswer, at: FeedPosition, texts: Texts): void {
    if (answer.kind === "lost") {
      this.say(subscriber, { type: "lost", id: at }, { why: answer.why, notShown: answer.notShown });
      return;
    }
    const wanted = answer.events.filter(({ vehicle, row }) => subscriber.wants(vehicle, row.stream));
    const allowed = subscriber.allow(wanted.length, this.tools.clock.uptimeMs());
    const withIds = at.length <= shortPosition;
    for (const event of wanted.slice(0, allowed)) this.send(subscriber, texts.of(event, withIds));
    const skipped = answer.skipped + wanted.length - allowed;
    if (skipped > 0) this.say(subscriber, { type: "skipped", id: at }, { events: skipped });
    else if (allowed > 0) this.send(subscriber, idAlone(at));
  }

  private heartbeat(): void {
    const nowMs = this.tools.clock.uptimeMs();
    if (nowMs - this.heartbeatAtMs < heartbeatMs) return;
    this.heartbeatAtMs = nowMs;
    // With the position: one whose filter matches nothing comes back to where it was, not to where it began.
    for (const [subscriber, at] of this.places) this.send(subscriber, idAlone(at, ": heartbeat\n"));
  }

  private storeIs(available: boolean): void {
    if (this.away === !available) return;
    this.away = !available;
    for (const subscriber of this.places.keys()) this.say(subscriber, { type: "store", id: undefined }, { available });
  }

  private say(subscriber: Subscriber, about: { type: string; id: FeedPosition | undefined }, data: object): void {
    const id = about.id === undefined ? "" : `id: ${feedIds.write(about.id)}\n`;
    this.send(subscriber, Buffer.from(`event: ${about.type}\n${id}data: ${JSON.stringify(data)}\n\n`));
  }

  private send(subscriber: Subscriber, part: Uint8Array): void {
    if (subscriber.push(part, lastWord)) return;
    this.places.delete(subscriber);
    this.tools.report(subscriberDropped, { vehicle: subscriber.filter.vehicle, stream: subscriber.filter.stream });
  }
}

/** Events as they go over the wire, made once for all who get them. */
class Texts {
  private readonly made = new Map<FeedEvent, Uint8Array>();

  of(event: FeedEvent, withId: boolean): Uint8Array {
    const known = this.made.get(event);
    if (known !== undefined) return known;
    const id = withId ? `id: ${feedIds.write(event.position)}\n` : "";
    const text = Buffer.from(`${id}data: ${JSON.stringify(eventBody(event.vehicle, event.row))}\n\n`);
    this.made.set(event, text);
    return text;
  }
}

function idAlone(at: FeedPosition, before = ""): Uint8Array {
  return Buffer.from(`${before}id: ${feedIds.write(at)}\n\n`);
}

function lastWord(): Uint8Array {
  const data = { why: "the client takes events more slowly than they come; it may come back with Last-Event-ID" };
  return Buffer.from(`event: dropped\ndata: ${JSON.stringify(data)}\n\n`);
}
