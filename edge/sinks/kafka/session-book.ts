import type { LaneNotes } from "../../core/lane-notes.ts";
import { formatSession, parseSession, type Session } from "./session.ts";

/** Where a lane's batches go: one partition of one topic of one cluster. */
export interface Destination {
  readonly clusterId: string;
  readonly topic: string;
  readonly partition: number;
}

/**
 * A lane's stored sessions: one row a destination, and one that says which destination was the last. Going back to an
 * earlier destination must not continue its old session: what was sent elsewhere meanwhile is a hole there.
 *
 * The session's row is written before the pointer, and both before anything is sent. A crash between the two leaves a
 * session that nobody has used, which the next one follows.
 */
export class SessionBook {
  constructor(
    private readonly notes: LaneNotes,
    private readonly sinkName: string,
  ) {}

  /** The destination that was sent to last; undefined when there was none. */
  last(): Destination | undefined {
    const text = this.notes.session(this.sinkName);
    if (text === undefined) return undefined;
    const [clusterId, topic, partition] = text.split("/");
    if (clusterId === undefined || topic === undefined || !/^\d+$/.test(partition ?? "")) return undefined;
    return { clusterId, topic, partition: Number(partition) };
  }

  session(destination: Destination): Session | undefined {
    const text = this.notes.session(this.rowOf(destination));
    return text === undefined ? undefined : parseSession(text);
  }

  save(destination: Destination, session: Session): void {
    this.notes.saveSession(this.rowOf(destination), formatSession(session));
    const last = this.last();
    if (last === undefined || !sameDestination(last, destination)) {
      this.notes.saveSession(this.sinkName, keyOf(destination));
    }
  }

  private rowOf(destination: Destination): string {
    return `${this.sinkName}/${keyOf(destination)}`;
  }
}

/** Cluster ids are base64url and topics are legal names: neither holds a slash. */
export function keyOf({ clusterId, topic, partition }: Destination): string {
  return `${clusterId}/${topic}/${partition}`;
}

/** Whether both mean the same partition of the same cluster: a session holds for one only. */
export function sameDestination(a: Destination, b: Destination): boolean {
  return a.clusterId === b.clusterId && a.topic === b.topic && a.partition === b.partition;
}
