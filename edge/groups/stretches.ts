import { z } from "zod";
import type { LaneNotes } from "../core/lane-notes.ts";
import type { StoredBatch } from "../core/stored-batch.ts";

/** From which number on a lane was brought by whom. */
interface Stretch {
  readonly first: number;
  readonly member: string;
}

/** Of a member that was there from the lane's first number on and has delivered nothing yet. */
const notYet = -1;

const Numbers = z.record(z.string(), z.int().min(notYet));
const Row = z.object({
  version: z.literal(1),
  settled: z.int().min(0),
  stretches: z.array(z.tuple([z.int().min(0), z.string()])).min(1),
  sentBelow: Numbers,
  begins: Numbers,
  marks: z.record(z.string(), z.string()),
});

/** How far back it is remembered who delivered what: more than a channel keeps of what was sent, at ordinary sizes. */
const stretchesMax = 64;

/**
 * Which member of a group brought which numbers of a lane. One row, written before a member is given its first batch, so
 * that a start finds who may have what. Nothing is written while the lane stays with a member.
 */
export class Stretches {
  private all: readonly Stretch[] = [];
  private settled = 0;
  private readonly sentBelow = new Map<string, number>();
  private readonly begun = new Map<string, number>();
  private readonly marks = new Map<string, string>();
  /** Whose lane it was when this process began with it; undefined: nobody's that is known. */
  readonly memberAtStart: string | undefined;
  private readonly key: string;

  constructor(
    private readonly notes: LaneNotes,
    group: string,
    private readonly members: ReadonlySet<string>,
  ) {
    this.key = `group:${group}`;
    this.read();
    this.memberAtStart = this.member;
    this.keepMark(notes.mark);
  }

  /** Who brings the lane now; undefined: it is not known yet. */
  get member(): string | undefined {
    return this.all.at(-1)?.member;
  }

  /** What lies before is settled, also where its acknowledgement was lost in a crash: the marks of the row know of it. */
  get settledBelow(): number {
    return this.settled;
  }

  /** Where the stretch of the one that brings it begins. */
  get since(): number {
    return this.all.at(-1)?.first ?? 0;
  }

  /** The batch goes to this member from now on. Durable on return. `mayHave`: what the one before may have of it. */
  moveTo(member: string, batch: StoredBatch, mayHave: number): void {
    const before = this.member;
    if (before !== undefined && mayHave === 0) this.noteUnsent(before, batch.first);
    this.keepMark(this.notes.mark);
    const rest = this.before(batch);
    const goesOn = rest.at(-1)?.member === member;
    const first = this.all.length === 0 ? 0 : batch.first;
    this.all = (goesOn ? rest : [...rest, { first, member }]).slice(-stretchesMax);
    this.settled = batch.first;
    this.noteBegin(member, batch.first);
    this.save();
  }

  /** Whether what the member delivered last lies right before the batch. */
  goesOn(member: string, batch: StoredBatch): boolean {
    return this.member === member || this.before(batch).at(-1)?.member === member;
  }

  /** See `LaneNotes.seqAtStart`: numbers below this one may have been sent by the member before this process. */
  seqAtStartOf(member: string): number {
    const atStart = this.memberAtStart === undefined || this.memberAtStart === member;
    return atStart ? this.notes.seqAtStart : this.sentBelowOf(member);
  }

  /** Numbers below this one were given to the member, as far as this process and the row know. */
  sentBelowOf(member: string): number {
    return this.sentBelow.get(member) ?? 0;
  }

  noteSent(member: string, below: number): void {
    this.sentBelow.set(member, Math.max(this.sentBelowOf(member), below));
  }

  private noteUnsent(member: string, from: number): void {
    this.sentBelow.set(member, Math.min(this.sentBelowOf(member), from));
  }

  /** See `LaneNotes.begins`. */
  beginsOf(member: string): number {
    return Math.max(0, this.begun.get(member) ?? 0);
  }

  markOf(member: string): string | undefined {
    this.keepMark(this.notes.mark);
    return this.marks.get(member);
  }

  /** Whether it is known that the member delivered this number. */
  delivered(member: string, seq: number): boolean {
    return this.all.findLast(({ first }) => first <= seq)?.member === member;
  }

  /** The stretches in which something before the batch was delivered: a move without a delivery is as if it had not been. */
  private before({ first }: StoredBatch): readonly Stretch[] {
    return this.all.at(-1)?.first === first ? this.all.slice(0, -1) : this.all;
  }

  /** Only a member that is known since the lane's first number is known to have had nothing of it before. */
  private noteBegin(member: string, first: number): void {
    if (this.begun.size === 0) for (const each of this.members) this.begun.set(each, first === 0 ? notYet : 0);
    if (this.begun.get(member) === notYet) this.begun.set(member, first);
  }

  /** The lane has one mark: it says whose it is. A mark from before the group was made is nobody's. */
  private keepMark(text: string | undefined): void {
    const end = text?.indexOf(":") ?? -1;
    const member = text?.slice(0, end) ?? "";
    if (end > 0 && text !== undefined && this.members.has(member)) this.marks.set(member, text.slice(end + 1));
  }

  private read(): void {
    const row = Row.safeParse(parseJson(this.notes.session(this.key))).data;
    if (row === undefined) return;
    this.settled = row.settled;
    this.all = row.stretches.map(([first, member]) => ({ first, member }));
    for (const [member, below] of Object.entries(row.sentBelow)) this.sentBelow.set(member, below);
    for (const [member, first] of Object.entries(row.begins)) this.begun.set(member, first);
    for (const [member, mark] of Object.entries(row.marks)) this.marks.set(member, mark);
  }

  private save(): void {
    const row: z.input<typeof Row> = {
      version: 1,
      settled: this.settled,
      stretches: this.all.map(({ first, member }) => [first, member]),
      sentBelow: Object.fromEntries(this.sentBelow),
      begins: Object.fromEntries(this.begun),
      marks: Object.fromEntries(this.marks),
    };
    this.notes.saveSession(this.key, JSON.stringify(row));
  }
}

/** A mark as the lane keeps it. */
export function markOf(member: string, mark: string): string {
  return `${member}:${mark}`;
}

function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
