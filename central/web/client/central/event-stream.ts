/**
 * Server-sent events by `fetch`: the browser's own EventSource cannot send a key. Comes back by itself, with the id of the
 * last event that it has seen.
 */
import { questionHeaders } from "./ask.ts";

/** One event. */
export interface StreamEvent {
  readonly type: string;
  readonly id: string | undefined;
  readonly data: string;
}

/** Takes text as it comes and gives whole events (HTML standard, 9.2.6). */
export class EventParser {
  private rest = "";
  lastId = "";

  take(text: string): StreamEvent[] {
    const blocks = (this.rest + text).split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.flatMap((block) => this.block(block) ?? []);
  }

  private block(block: string): StreamEvent | undefined {
    let type = "message";
    let id: string | undefined;
    const data: string[] = [];
    for (const line of block.split("\n")) {
      const colon = line.indexOf(":");
      if (colon === 0) continue; // a comment
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "event") type = value;
      if (name === "id") id = value;
      if (name === "data") data.push(value);
    }
    if (id !== undefined) this.lastId = id;
    return data.length === 0 ? undefined : { type, id, data: data.join("\n") };
  }
}

/** What happens to a stream. */
export interface StreamListener {
  readonly event: (event: StreamEvent) => void;
  /** It is open (empty words), or why it is not. */
  readonly state: (words: string) => void;
}

const backMs = 2_000;

/** Follows until the signal aborts. */
export async function followStream(path: string, listener: StreamListener, signal: AbortSignal): Promise<void> {
  const parser = new EventParser();
  while (!signal.aborted) {
    try {
      await readOnce(path, parser, listener, signal);
      listener.state("the stream has ended; trying again");
    } catch (thrown) {
      if (signal.aborted) return;
      listener.state(thrown instanceof Error ? thrown.message : String(thrown));
    }
    await new Promise((resolve) => setTimeout(resolve, backMs));
  }
}

async function readOnce(
  path: string,
  parser: EventParser,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<void> {
  const resume: Record<string, string> = parser.lastId === "" ? {} : { "Last-Event-ID": parser.lastId };
  const response = await fetch(path, { headers: { ...questionHeaders(), ...resume }, cache: "no-store", signal });
  if (!response.ok || response.body === null) {
    const body = await response.json();
    throw new Error(`${body.detail}. ${body.hint}`);
  }
  listener.state("");
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    for (const event of parser.take(value)) listener.event(event);
  }
}
