import { AppError } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { BrokerNode } from "../../../shared/kafka/connection/link.ts";
import { partitionOfKey } from "../../../shared/kafka/murmur2.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Delivering, Leadership, Target } from "./attempt.ts";
import { codes } from "./codes.ts";
import type { Doubt } from "./doubt.ts";
import type { LaneTools } from "./lane-tools.ts";
import { type Mark, parseMark } from "./mark.ts";
import { orAbort } from "./or-abort.ts";
import type { Session } from "./session.ts";
import { type Destination, SessionBook, sameDestination } from "./session-book.ts";
import type { TopicRoute } from "./topics.ts";

/** Where a lane sends to, and under which session; read back after a start, and made anew when the cluster changes. */
export class Place {
  destination: Destination | undefined;
  session: Session | undefined;
  /** The last acknowledgement at this destination, under this session or one before; undefined when the log has lost it. */
  mark: Mark | undefined;
  /** Who leads the partition, as metadata said last. */
  leader: BrokerNode | undefined;
  /** The leadership that answered last, or that was seen to have what was acknowledged before. */
  leaderSeen: Leadership | undefined;
  /** A session of an earlier time at this destination: the next one follows it, but none goes on under it. */
  private earlier: Session | undefined;
  private readonly book: SessionBook;
  /** A session that began before this number does not go on behind it: another sink of a group delivered in between. */
  private resumedAt = 0;

  constructor(
    private readonly notes: LaneNotes,
    private readonly tools: LaneTools,
    private readonly doubt: Doubt,
  ) {
    this.book = new SessionBook(notes, tools.context.name);
  }

  /** What the next session at this destination comes after. */
  get previous(): Session | undefined {
    return this.session ?? this.earlier;
  }

  /** See `LaneDelivery.resumed`: where it is sent to, and under which session, is asked anew. */
  resumed(from: number): void {
    this.resumedAt = from;
    this.destination = undefined;
  }

  /** The session that something is sent or asked under. */
  used(): Session {
    invariant(this.session !== undefined, "what is sent or asked about has a session");
    return this.session;
  }

  /**
   * Asks where the lane's partition is led now. `moved`: it is not the destination of the last question.
   *
   * @throws AppError `KAFKA_UNREACHABLE`, `KAFKA_TOPIC_MISSING`, `KAFKA_UNAUTHORIZED`, …
   */
  async reach(signal: AbortSignal): Promise<Target & { readonly moved: boolean }> {
    const { topics, link } = this.tools;
    const { group } = this.notes.lane;
    let route = await orAbort(topics.route(group), signal);
    let { partition, node } = this.leaderIn(route);
    let connection = await orAbort(link.ready(node), signal);
    if (topics.outdated(group)) {
      route = await orAbort(topics.route(group), signal);
      ({ partition, node } = this.leaderIn(route));
      connection = await orAbort(link.ready(node), signal);
    }
    const leadership = { nodeId: node.nodeId, epoch: route.leaderEpochs[partition] ?? -1, connection };
    const destination = { clusterId: route.clusterId, topic: route.topic, partition };
    const moved = this.destination === undefined || !sameDestination(this.destination, destination);
    if (moved) this.arrive(destination);
    return { route, node, destination, leadership, moved };
  }

  /** Durable on return. */
  store(session: Session, destination: Destination): void {
    this.book.save(destination, session);
    this.session = session;
  }

  /** Whether an answer's offset lies where something else was acknowledged before: the log was cut back and grew again. */
  isBelowMark(offset: number): boolean {
    return offset >= 0 && this.mark !== undefined && offset <= this.mark.offset;
  }

  /**
   * The log has lost what the mark speaks of. `from`: what is kept from there on goes out before the batch at hand.
   * Durable on return.
   */
  noteCut({ batch, target }: Delivering, from: number | undefined): void {
    const { session } = this;
    this.mark = undefined;
    if (session === undefined) return;
    this.store({ ...session, cut: { before: batch.first, resendFrom: from } }, target.destination);
  }

  /** @throws AppError `KAFKA_NOT_READY`: nobody leads the partition now. */
  private leaderIn(route: TopicRoute): { readonly partition: number; readonly node: BrokerNode } {
    const partition = this.partitionIn(route);
    const node = route.leaders[partition];
    this.leader = node;
    if (node !== undefined) return { partition, node };
    throw new AppError(codes.KAFKA_NOT_READY, `find the leader of ${route.topic}/${partition}: it has none now`);
  }

  /** Picked once for an agent's lane and then kept, also when the topic grows: what is in doubt is in doubt there. */
  private partitionIn(route: TopicRoute): number {
    const { part } = this.notes.lane;
    const partitions = route.leaders.length;
    if (part !== undefined) return part.index;
    const kept = this.destination ?? this.book.last();
    const same = kept?.clusterId === route.clusterId && kept.topic === route.topic && kept.partition < partitions;
    return same ? kept.partition : partitionOfKey(Buffer.from(this.tools.context.agent, "utf8"), partitions);
  }

  private arrive(destination: Destination): void {
    const firstTime = this.destination === undefined;
    this.destination = destination;
    const last = this.book.last();
    const stored = this.book.session(destination);
    this.mark = undefined;
    if (stored !== undefined && stored.first < this.resumedAt) {
      // What lies between was never sent here: the next session follows this one, and misses nothing of it.
      this.session = undefined;
      this.earlier = { ...stored, producerFirst: this.resumedAt, hereFirst: this.resumedAt };
      this.doubt.clear(this.resumedAt);
      return;
    }
    if (last !== undefined && sameDestination(last, destination)) {
      this.session = stored;
      const mark = parseMark(this.notes.mark);
      const lost = stored?.cut !== undefined && (mark?.below ?? 0) <= stored.cut.before;
      this.mark = lost ? undefined : mark;
      // A mark of an earlier session is older than anything of this one, and so a bound as well.
      const brokerTimeMs = stored !== undefined && stored.suspectBelow > 0 ? undefined : mark?.brokerTimeMs;
      if (firstTime) this.doubt.resume([stored?.opened, mark?.at], brokerTimeMs);
      return;
    }
    // Sent to elsewhere meanwhile, or never: whatever stood here once does not go on.
    this.session = undefined;
    this.earlier = stored;
    if (last === undefined) {
      this.doubt.clear(0);
      return;
    }
    const elsewhere = this.book.session(last);
    if (elsewhere?.until !== undefined) this.doubt.clear(elsewhere.until);
  }
}
