import { z } from "zod";
import { aborted } from "../../../shared/async/aborted.ts";
import type { SinkDefinition } from "../../core/define.ts";
import type { ReceivedEvent, SinkWorld } from "../contracts/record-sink.contract.ts";
import definition from "./index.ts";

const Line = z.object({
  id: z.string(),
  body: z.string(),
  time: z.int(),
  key: z.string().optional(),
  headers: z.record(z.string(), z.string()),
});

/** An HTTP server that keeps events by their id, and can be away, slow, picky or silent. */
export class PostWorld implements SinkWorld {
  readonly definition: SinkDefinition = definition;
  readonly smallWrites: Readonly<Record<string, unknown>> = { recordsMax: 10 };
  readonly writersMax: number = 2;
  private readonly events = new Map<string, ReceivedEvent>();
  private readonly sizes: number[] = [];
  private came = 0;
  private isAway = false;
  private writesUntilAway = Number.POSITIVE_INFINITY;
  private answersToLose = 0;
  private waitMs = 0;
  private bytesTaken = Number.POSITIVE_INFINITY;
  private locked = false;
  private now = 0;
  private most = 0;
  private refuses: (body: string) => boolean = () => false;
  private refusesSome: (body: string) => boolean = () => false;
  private readonly stopping = new AbortController();
  private readonly server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      this.now++;
      this.most = Math.max(this.most, this.now);
      try {
        return await this.take(await textOf(request));
      } finally {
        this.now--;
      }
    },
  });

  get config(): Readonly<Record<string, unknown>> {
    return { url: `${this.address}/events` };
  }

  protected get address(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  /** What a request holds. */
  protected eventsOf(text: string): readonly ReceivedEvent[] {
    return text === "" ? [] : text.split("\n").map(eventOf);
  }

  /** What it answers when it took the events, all but some. */
  protected answer(some: readonly RefusedEvent[], _events: readonly ReceivedEvent[]): Response {
    return some.length === 0 ? new Response("") : Response.json({ refused: some });
  }

  received(): readonly ReceivedEvent[] {
    return [...this.events.values()];
  }

  arrivals(): number {
    return this.came;
  }

  writeSizes(): readonly number[] {
    return this.sizes.toSorted((a, b) => b - a);
  }

  writersAtOnce(): number {
    return this.most;
  }

  away(away: boolean): void {
    this.isAway = away;
    this.writesUntilAway = Number.POSITIVE_INFINITY;
  }

  awayAfter(writes: number): void {
    this.writesUntilAway = writes;
  }

  loseAnswer(): void {
    this.answersToLose++;
  }

  slow(ms: number): void {
    this.waitMs = ms;
  }

  refuse(wanted: (body: string) => boolean): void {
    this.refuses = wanted;
  }

  refuseAndSay(wanted: (body: string) => boolean): void {
    this.refusesSome = wanted;
  }

  bytesMax(bytes: number): void {
    this.bytesTaken = bytes;
  }

  lockOut(): void {
    this.locked = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopping.abort();
    await this.server.stop(true);
  }

  private async take(text: string): Promise<Response> {
    if (this.waitMs > 0) await Promise.race([Bun.sleep(this.waitMs), aborted(this.stopping.signal)]);
    if (this.locked) return new Response("who are you?", { status: 401 });
    if (this.isAway || this.writesUntilAway-- <= 0) return new Response("not now", { status: 503 });
    const events = this.eventsOf(text);
    const refused = events.find(({ body }) => this.refuses(body));
    if (refused !== undefined) return new Response(`"${refused.body}" is not wanted`, { status: 422 });
    if (text.length > this.bytesTaken) return new Response("too large", { status: 413 });
    if (events.length > 0) this.sizes.push(events.length);
    const some = events.flatMap(({ body }, at) => (this.refusesSome(body) ? [{ at, reason: "not wanted" }] : []));
    for (const [at, event] of events.entries()) {
      if (some.some((each) => each.at === at)) continue;
      this.came++;
      if (!this.events.has(event.id)) this.events.set(event.id, event);
    }
    if (this.answersToLose-- > 0) return new Response("lost", { status: 502 });
    return this.answer(some, events);
  }
}

/** An event that is refused, by its place in the request. */
export interface RefusedEvent {
  readonly at: number;
  readonly reason: string;
}

async function textOf(request: Request): Promise<string> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  return Buffer.from(request.headers.get("content-encoding") === "gzip" ? Bun.gunzipSync(bytes) : bytes).toString(
    "utf8",
  );
}

function eventOf(line: string): ReceivedEvent {
  const { id, body, time, key, headers } = Line.parse(JSON.parse(line));
  return { id, body: Buffer.from(body, "base64").toString("latin1"), timeMs: time, key, headers };
}
