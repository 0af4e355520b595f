import { decodeText } from "../../shared/system/short-texts.ts";
import { limits } from "./limits.ts";

/**
 * What an interceptor and a selector see of an event. One view serves all events of a source, one after the other, so
 * there is no object per event: it is valid during the call and not after it.
 *
 * What nobody asks for costs nothing: the text is decoded on the first `text()`, headers exist once somebody sets one.
 */
export class EventView {
  /** The bytes of the event are `buffer[start..end)`; shared with the source's read buffer: never write into it. */
  buffer: Buffer = empty;
  start = 0;
  end = 0;
  /** The record key: which vehicle. Undefined until an interceptor sets it. Of any bytes: see `textOfBytes`; header values too. */
  key: string | undefined;
  /** Milliseconds since 1970; the time of reading until an interceptor knows better. */
  eventTimeMs = 0;

  private decoded: string | undefined;
  private readonly names: string[] = [];
  private readonly values: string[] = [];

  /** Turns the view to the next event; forgets everything of the one before. */
  reset(buffer: Buffer, start: number, end: number, eventTimeMs: number): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.eventTimeMs = eventTimeMs;
    this.key = undefined;
    this.decoded = undefined;
    if (this.names.length > 0) {
      this.names.length = 0;
      this.values.length = 0;
    }
  }

  /** The event as UTF-8 text (invalid bytes become U+FFFD here, never in what is forwarded). Decoded once. */
  text(): string {
    this.decoded ??= decodeText(this.buffer, this.start, this.end);
    return this.decoded;
  }

  /** Puts other bytes in the event's place. */
  setBody(bytes: Buffer): void {
    this.buffer = bytes;
    this.start = 0;
    this.end = bytes.length;
    this.decoded = undefined;
  }

  /** A header that was set before, the last one of that name; undefined when none was. */
  header(name: string): string | undefined {
    const index = this.names.lastIndexOf(name);
    return index < 0 ? undefined : this.values[index];
  }

  /** Sets a header; it travels as a Kafka record header. Past `limits.headersMax` it answers false and sets nothing. */
  setHeader(name: string, value: string): boolean {
    const index = this.names.lastIndexOf(name);
    if (index >= 0) {
      this.values[index] = value;
      return true;
    }
    return this.addHeader(name, value);
  }

  /** One more header, also of a name that is there: a Kafka record may have several. Its bounds are `setHeader`'s. */
  addHeader(name: string, value: string): boolean {
    if (this.names.length >= limits.headersMax) return false;
    this.names.push(name);
    this.values.push(value);
    return true;
  }

  /** Takes the headers of a name away; nothing when none is set. */
  removeHeader(name: string): void {
    for (let index = this.names.indexOf(name); index >= 0; index = this.names.indexOf(name)) {
      this.names.splice(index, 1);
      this.values.splice(index, 1);
    }
  }

  /** Names of the headers that are set, in the order they were set; `headerValues` stands beside it. */
  get headerNames(): readonly string[] {
    return this.names;
  }

  get headerValues(): readonly string[] {
    return this.values;
  }
}

const empty = Buffer.alloc(0);
