import { closeSync, fstatSync, readSync } from "node:fs";
import { systemCode } from "../../../shared/files/refusal.ts";
import type { Positioned } from "../../core/source.ts";
import { beginningOf, lengthOfText } from "./blank.ts";
import { type Cursor, formatCursor } from "./cursor.ts";
import type { FileStat } from "./file-stat.ts";
import { fingerprintOf, headBytesMax, matchesAt, readAt, tailBytesMax } from "./fingerprint.ts";
import type { OpenCount } from "./open-count.ts";
import { hasNoLogName, type Role, seenByDescriptor, type Whereabouts } from "./whereabouts.ts";

/** Who looks after a file, and is told of it. */
export interface Attendant {
  readonly openCount: OpenCount;
  /** There may be something to do about it. */
  wake(): void;
  /** What it is was looked at: its inode and device are those of what is there. */
  identified(wasRestored: boolean): void;
}

/**
 * One file, whatever it is called at the moment: identified by its inode, the fingerprint of its head and the bytes
 * before the offset. Holds no part of the content but those two; what was read and not appended is read again.
 */
export class FollowedFile implements Positioned {
  readonly key: string;
  path: string;
  /** Path of the root of its trail. */
  readonly trail: string;
  inode: bigint;
  device: bigint;
  /** The first byte that was not appended yet. */
  offset = 0;
  /** At the last look. */
  size = 0;
  /** This much of it was there while head and tail were intact: what lies behind the offset is known to be unread. */
  provenSize = 0;
  mtimeNs = -1n;
  /** See `Cursor`. */
  skipping = false;
  /** See `Splitter.given`. */
  given = 0;
  role: Role = "read";
  /** The link that the config asks for and that leads to its trail; undefined: the config asks for the trail itself. */
  link: string | undefined;
  /** Another name of it, in another folder: there it may be when its own name is gone. */
  otherName: string | undefined;
  whereabouts: Whereabouts = "log";
  /** Nothing can have happened to it that was not noticed since it was met: what turns up beside it is no part of it. */
  isFirmlyMet = true;
  /** It was met by a picture that is older: what is older than the file is known with the next one, and it is not read before. */
  isMetLate = false;
  /** Uptime when it last grew. */
  grewMs = 0;
  /** Zeros at its end, as far as they were looked at: room that its writer has not filled yet, and no line. */
  blank = 0;
  /** Up to here there was nothing but zeros behind the text. */
  blankTo = 0;
  /** Zeros before this place have text after them: they are read as they are. */
  holeTo = 0;
  /** An event that waited for more lines was given since the file last grew. */
  flushed = false;

  private descriptor: number | undefined;
  private attendant: Attendant | undefined;
  private isAtEnd = false;
  private head: Buffer = empty;
  private readonly tailBuffer = Buffer.alloc(tailBytesMax);
  private tailLength = 0;
  private headHash = fingerprintOf(empty);
  /** As stored, until the file was opened and recognised. */
  private unverified: Cursor | undefined;

  constructor(
    readonly sequence: number,
    path: string,
    trail: string,
    stat: FileStat,
  ) {
    this.key = sequence.toString().padStart(8, "0");
    this.path = path;
    this.trail = trail;
    this.inode = stat.inode;
    this.device = stat.device;
  }

  /** A file as it was stored; it has to be recognised before it is read. */
  static restore(sequence: number, cursor: Cursor): FollowedFile {
    const stat = { inode: BigInt(cursor.inode), device: BigInt(cursor.device), size: cursor.size, mtimeNs: -1n };
    const file = new FollowedFile(sequence, cursor.path, cursor.trail, stat);
    file.offset = cursor.offset;
    file.size = cursor.size;
    file.provenSize = cursor.size;
    file.skipping = cursor.skipping === true;
    file.given = cursor.given ?? 0;
    if (cursor.aside === true) file.role = "aside";
    file.link = cursor.link;
    file.otherName = cursor.otherName;
    file.unverified = cursor;
    return file;
  }

  /** See `Positioned`. A log that is barely known is met like a new one; under another name it would be taken for a copy. */
  position(): string | undefined {
    const isNew = (this.isBarelyKnown || this.awaitsPicture) && this.path === this.trail;
    return this.role === "forgotten" || isNew ? undefined : formatCursor(this.cursor());
  }

  /** What would be stored now. */
  cursor(): Cursor {
    return {
      path: this.path,
      trail: this.trail,
      inode: this.inode.toString(),
      device: this.device.toString(),
      offset: this.offset,
      size: this.provenSize,
      head: this.unverified?.head ?? this.headHash,
      tail: this.unverified?.tail ?? fingerprintOf(this.tail),
      ...(this.skipping ? { skipping: true } : {}),
      ...(this.given > 0 ? { given: this.given } : {}),
      ...(this.isAside ? { aside: true } : {}),
      ...(this.link === undefined ? {} : { link: this.link }),
      ...(this.otherName === undefined ? {} : { otherName: this.otherName }),
    };
  }

  /** Undefined while closed. */
  get fd(): number | undefined {
    return this.descriptor;
  }

  private set fd(fd: number | undefined) {
    const change = Number(fd !== undefined) - Number(this.descriptor !== undefined);
    if (change !== 0) this.attendant?.openCount.add(change > 0 ? 1 : -1);
    this.descriptor = fd;
  }

  /** All there is was looked at: the bytes behind the offset are no whole event. */
  get atEnd(): boolean {
    return this.isAtEnd;
  }

  set atEnd(atEnd: boolean) {
    this.isAtEnd = atEnd;
    if (!atEnd) this.attendant?.wake();
  }

  /** Its descriptor counts from now on, and `attendant` is told of it. */
  attend(attendant: Attendant): void {
    const before = this.attendant;
    this.attendant = attendant;
    if (before === undefined && this.descriptor !== undefined) attendant.openCount.add(1);
  }

  /** Nothing is asked of it just now: all was read, and it is not waited for. */
  get isIdle(): boolean {
    return this.isAside || (this.atEnd && this.unread === 0 && !this.isDeleted);
  }

  get isAside(): boolean {
    return this.role === "aside";
  }

  /** Whether its path leads to it, as far as known. */
  get isPresent(): boolean {
    return this.whereabouts === "log" || this.whereabouts === "rotated";
  }

  /** Its name is not one the config asks for any more, or it has none: the writer has another file. */
  get isRotated(): boolean {
    return hasNoLogName(this.whereabouts);
  }

  get isDeleted(): boolean {
    return this.whereabouts === "deleted" || this.whereabouts === "unlinked";
  }

  get isElsewhere(): boolean {
    return this.whereabouts === "elsewhere" || this.whereabouts === "outOfReach";
  }

  /** Bytes that seem to be there and were not appended. */
  get unread(): number {
    return this.isAside ? 0 : Math.max(0, this.size - this.blank - this.offset);
  }

  /** Bytes that are lost if it is gone now. */
  get provenUnread(): number {
    return this.isAside ? 0 : Math.max(0, this.provenSize - this.offset);
  }

  /** Enough was read to know a copy of it without doubt: not just a first line that all generations share. */
  get isWellKnown(): boolean {
    return this.offset >= tailBytesMax;
  }

  /**
   * Nothing was read, and it is empty, or it is a log whose head is shorter than what all files of a log may begin with:
   * it could be truncated and written anew without a trace.
   */
  get isBarelyKnown(): boolean {
    if (this.isAside || this.offset > 0) return false;
    return this.headLength === 0 || (this.headLength < tailBytesMax && this.path === this.trail);
  }

  /** Nothing was read of it, and what is older than it is not certain yet. */
  get isUnplaced(): boolean {
    return this.isBarelyKnown || (this.offset === 0 && !this.isFirmlyMet);
  }

  /** It is not read, and what is older than it may be unknown. */
  get awaitsPicture(): boolean {
    return this.isMetLate && this.offset === 0;
  }

  /** Whether size and time are what they were at the last look. */
  isAsSeen(stat: FileStat): boolean {
    return this.unverified === undefined && stat.size === this.size && stat.mtimeNs === this.mtimeNs;
  }

  /** Bytes before the offset, as many as are remembered. */
  get tail(): Buffer {
    return this.tailBuffer.subarray(0, this.tailLength);
  }

  /** Restored, and not yet compared with what is there. */
  get isUnverified(): boolean {
    return this.unverified !== undefined;
  }

  /** What it begins with, as far as it is remembered; nothing while it is unverified. */
  get beginning(): Buffer {
    return this.head;
  }

  /** How much of the head is remembered. */
  get headLength(): number {
    return this.unverified?.head.length ?? this.head.length;
  }

  /**
   * Takes this descriptor if the file behind it is this file: the same head, the same bytes before the offset.
   * False: it is another file (or this one, truncated and written anew); the descriptor is not taken.
   */
  recognise(fd: number): boolean {
    const { head, tail } = this.unverified ?? { head: this.headHash, tail: fingerprintOf(this.tail) };
    if (this.isBarelyKnown || head.length === 0 || !matchesAt(fd, 0, head)) return false;
    if (!matchesAt(fd, this.offset - tail.length, tail)) return false;
    this.attach(fd, this.offset, tail.length);
    return true;
  }

  /** Takes the descriptor of a new file, to be read from `offset`. */
  begin(fd: number, offset: number): void {
    this.attach(fd, offset, Math.min(offset, tailBytesMax));
  }

  /** Whether that descriptor's content begins with everything that was read of this file. Says "no" for one that is shorter. */
  isContainedIn(fd: number): boolean {
    const { head, tail } = this.cursor();
    return head.length > 0 && matchesAt(fd, 0, head) && matchesAt(fd, this.offset - tail.length, tail);
  }

  /** Opens it by its path if it is closed. False when another file is there now (or none): the directory has to be looked at. */
  open(openAt: (path: string) => number): boolean {
    if (this.fd !== undefined) return true;
    let fd: number;
    try {
      fd = openAt(this.path);
    } catch (thrown) {
      if (systemCode(thrown) === "ENOENT") return false;
      throw thrown;
    }
    if (fstatSync(fd, { bigint: true }).ino === this.inode && (this.recognise(fd) || this.resume(fd))) return true;
    closeSync(fd);
    return false;
  }

  /** Takes a descriptor of a file that was met, closed before it was read, and still begins as it did. */
  private resume(fd: number): boolean {
    if (!this.isBarelyKnown || this.head.length === 0 || !matchesAt(fd, 0, this.headHash)) return false;
    this.attach(fd, 0, 0);
    return true;
  }

  /** Lets go of the descriptor. */
  close(): void {
    if (this.fd === undefined) return;
    closeSync(this.fd);
    this.fd = undefined;
  }

  /** Hands the descriptor over to another: what it leads to is not this file any more. */
  surrender(): number | undefined {
    const fd = this.fd;
    this.fd = undefined;
    return fd;
  }

  /** Its writer may fill the room at its end without a word to anybody: it is to be looked at again. */
  lookAtBlank(): void {
    if (this.blank > 0) this.atEnd = false;
  }

  /** Looks at size and time through the descriptor. True when something changed since the last look, or not all was seen. */
  look(nowMs: number): boolean {
    if (this.fd === undefined) return false;
    const stat = fstatSync(this.fd, { bigint: true });
    this.whereabouts = seenByDescriptor(this.whereabouts, stat.nlink !== 0n);
    this.noteStat(Number(stat.size), stat.mtimeNs, nowMs);
    return !this.atEnd;
  }

  /** Takes note of what a look at the file said. */
  noteStat(size: number, mtimeNs: bigint, nowMs: number): void {
    if (size === this.size && mtimeNs === this.mtimeNs) return;
    this.blank = Math.max(0, Math.min(this.blank, size - this.offset));
    this.size = size;
    this.mtimeNs = mtimeNs;
    this.grewMs = nowMs;
    this.flushed = false;
    this.atEnd = false;
  }

  /** Its name leads to so many bytes that cannot be compared now: they wait. */
  noteUncompared(size: number): void {
    this.size = size;
    this.mtimeNs = -1n;
  }

  /**
   * Whether the beginning is what it was. Lets the remembered head grow with the file. False: the file was truncated
   * and written anew, however long it is now.
   */
  headIntact(): boolean {
    if (this.fd === undefined) return false;
    const length = Math.min(headBytesMax, Math.max(this.size, this.head.length));
    const read = readSync(this.fd, headScratch, 0, length, 0);
    const known = this.head.length;
    if (read < known || headScratch.compare(this.head, 0, known, 0, known) !== 0) return false;
    // While it is barely known it grows only by being met in a scan.
    if (read > known && !this.isBarelyKnown && headScratch[known] !== 0) this.rememberHead(read);
    return true;
  }

  /** A scan has looked at everything around it: its first bytes, which came since, may be remembered. */
  meet(): void {
    if (this.fd === undefined || !this.isBarelyKnown) return;
    this.rememberHead(readSync(this.fd, headScratch, 0, headBytesMax, 0));
  }

  /** Whether head and the bytes before the offset are what they were. */
  intact(): boolean {
    if (this.fd === undefined || !this.headIntact()) return false;
    return this.tailLength === 0 || readAt(this.fd, this.offset - this.tailLength, this.tailLength).equals(this.tail);
  }

  /** Moves the offset on; `buffer[..end)` is what stands before the new one. */
  advance(bytes: number, buffer: Buffer, end: number): void {
    this.offset += bytes;
    this.tailLength = Math.min(tailBytesMax, end, this.offset);
    buffer.copy(this.tailBuffer, 0, end - this.tailLength, end);
  }

  private takeHead(fd: number): void {
    const { bytes, holeTo, blankTo, blankFrom } = beginningOf(fd, readAt(fd, 0, Math.min(headBytesMax, this.size)));
    [this.holeTo, this.blankTo, this.head, this.headHash] = [holeTo, blankTo, bytes, fingerprintOf(bytes)];
    this.blank = blankFrom === undefined ? 0 : this.size - Math.max(this.offset, blankFrom);
  }

  private rememberHead(length: number): void {
    // Room that is not filled yet is no part of what it is known by.
    this.head = Buffer.from(headScratch.subarray(0, lengthOfText(headScratch, 0, length)));
    this.headHash = fingerprintOf(this.head);
  }

  private attach(fd: number, offset: number, tailLength: number): void {
    this.close();
    this.fd = fd;
    const wasRestored = this.isUnverified;
    this.unverified = undefined;
    this.offset = offset;
    const stat = fstatSync(fd, { bigint: true });
    this.inode = stat.ino;
    this.device = stat.dev;
    this.whereabouts = seenByDescriptor(this.whereabouts, stat.nlink !== 0n);
    this.size = Number(stat.size);
    this.provenSize = Math.max(this.provenSize, this.size);
    this.mtimeNs = stat.mtimeNs;
    this.atEnd = false;
    this.takeHead(fd);
    this.tailLength = readAt(fd, offset - tailLength, tailLength).copy(this.tailBuffer);
    this.attendant?.identified(wasRestored);
  }
}

const empty = Buffer.alloc(0);
const headScratch = Buffer.alloc(headBytesMax);
