import { AppError } from "../../../shared/errors/app-error.ts";
import type { Finding } from "../../core/sink.ts";
import { errorOf, excerpt, HttpPeer, meaningOf } from "../../records/http-peer.ts";
import { jsonEvent } from "../../records/json-event.ts";
import type { RecordDestination, SinkRecord } from "../../records/record-destination.ts";
import type { Config } from "./config.ts";

const contentTypes = { ndjson: "application/x-ndjson", json: "application/json", lines: "text/plain" } as const;
const newline = Buffer.from("\n");

/** Posts; a status of 2xx is a word that the server has the events. */
export class HttpDestination implements RecordDestination {
  private readonly peer: HttpPeer;

  constructor(private readonly config: Config) {
    this.peer = new HttpPeer(config);
  }

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<undefined> {
    const { url, answerMatches } = this.config;
    const what = `post ${records.length} events to ${url}`;
    const answer = await this.post(this.render(records), signal, keyOf(records));
    if (meaningOf(answer.status) !== "taken") throw errorOf(answer, what);
    if (answerMatches === undefined || answerMatches.test(answer.text)) return;
    throw new AppError("EDGE_DESTINATION_AWAY", `${what}: ${answer.status}, but it says ${excerpt(answer.text)}`);
  }

  /** Asks for what it may do there, which leaves nothing: only that somebody answers is found out. */
  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const { url } = this.config;
    try {
      const answer = await this.peer.ask({ method: "HEAD", url, headers: this.config.headers }, signal);
      const meaning = meaningOf(answer.status);
      if (meaning === "again" || meaning === "unauthorized")
        return [{ what: url, error: errorOf(answer, "ask for it") }];
      // Many servers know POST alone: 404 and 405 to HEAD say no more than that somebody is there.
      return [{ what: url, says: `somebody answers (${answer.status} to HEAD; whether POST is taken is not tried)` }];
    } catch (thrown) {
      const error = thrown instanceof AppError ? thrown : new AppError("EDGE_DESTINATION_AWAY", url, { cause: thrown });
      return [{ what: url, error }];
    }
  }

  status(): Readonly<Record<string, unknown>> {
    return { url: this.config.url, lastAnswer: this.peer.last };
  }

  private post(body: Buffer, signal: AbortSignal, key: string) {
    const { url, gzip, format, headers } = this.config;
    return this.peer.ask(
      {
        method: "POST",
        url,
        body: gzip ? Bun.gzipSync(new Uint8Array(body)) : body,
        headers: {
          "content-type": contentTypes[format],
          // A server that knows the draft standard of this header recognises a repeat.
          "idempotency-key": key,
          ...(gzip ? { "content-encoding": "gzip" } : {}),
          ...headers,
        },
      },
      signal,
    );
  }

  private render(records: readonly SinkRecord[]): Buffer {
    switch (this.config.format) {
      case "ndjson":
        return Buffer.from(records.map((record) => `${JSON.stringify(jsonEvent(record))}\n`).join(""), "utf8");
      case "json":
        return Buffer.from(JSON.stringify(records.map(jsonEvent)), "utf8");
      case "lines":
        return Buffer.concat(records.flatMap(({ body }) => [body, newline]));
    }
  }
}

/** The same for the same events, and for no others. */
function keyOf(records: readonly SinkRecord[]): string {
  const [first] = records;
  return first === undefined ? "none" : `"${first.id}+${records.length}-${records.at(-1)?.seq}"`;
}
