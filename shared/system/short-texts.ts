/**
 * The collector runs when enough was made since it last ran, and it does not count all of it: of a text of up to 256 bytes it
 * counts the 16 bytes that stand for it, not its characters. A million lines of 200 bytes are 200 MB, of which it sees 16. Where little
 * else is made (a filter that drops nearly all), a hundred MB of lines that nobody needs any more lay about before it ran.
 *
 * So whoever makes a text of each line makes it here, where they are counted, and the collector is asked in time: mostly for a
 * quick look at what is new, because that is where these texts are. What survived one quick look is not looked at by the next:
 * batches do, and are sent soon after. And what is asked for here puts off what the collector would do by itself. So some of the
 * looks are at everything (decision 0023 has the numbers).
 */
import { edenGC, fullGC } from "bun:jsc";

/** The longest text that the collector does not count (`minExtraMemory` in JavaScriptCore's Heap.h), in bytes. */
const uncountedBytesMax = 256;
/**
 * Texts that lie about, and what is in use, are to stay below this together: so with little in use the collector is asked less
 * often.
 */
const togetherBytes = 20 * 1024 * 1024;
const textsBytesMax = 6 * 1024 * 1024;
const textsBytesMin = 2 * 1024 * 1024;
/** Where very much is in use: a look at everything takes as long as that is large. */
const textsShare = 1 / 16;
/** Between two looks at everything; one of these takes as long as four to eight quick ones. */
const quickInARow = 7;

/** The two kinds of collection. Each answers how many bytes are in use after it. */
export interface Collector {
  /** Looks at what was made since the last one. */
  quick(): number;
  /** Looks at everything. */
  full(): number;
}

/** Counts what the collector does not, and asks it in time. One heap, one counter. */
export class ShortTexts {
  private bytes = 0;
  private bytesMax: number = textsBytesMin;
  private quickSinceFull = 0;

  constructor(private readonly collector: Collector) {}

  /** `text` was made out of so many bytes. */
  made(text: string, fromBytes: number): void {
    // As many characters as bytes: one byte each. Otherwise two.
    const bytes = text.length === fromBytes ? fromBytes : 2 * text.length;
    if (bytes > uncountedBytesMax) return;
    this.bytes += bytes;
    if (this.bytes < this.bytesMax) return;
    this.bytes = 0;
    const isFull = this.quickSinceFull === quickInARow;
    this.quickSinceFull = isFull ? 0 : this.quickSinceFull + 1;
    const usedBytes = isFull ? this.collector.full() : this.collector.quick();
    this.bytesMax = textsAllowed(usedBytes);
  }
}

/** So many bytes of short texts may be made before the collector is asked again. */
function textsAllowed(usedBytes: number): number {
  const room = Math.min(textsBytesMax, togetherBytes - usedBytes);
  return Math.max(textsBytesMin, room, usedBytes * textsShare);
}

const shortTexts = new ShortTexts({ quick: edenGC, full: fullGC });

/** UTF-8 as text (invalid bytes become U+FFFD), as `buffer.toString` makes it; for texts that are made in great number. */
export function decodeText(buffer: Buffer, start: number, end: number): string {
  const text = buffer.toString("utf8", start, end);
  shortTexts.made(text, end - start);
  return text;
}
