import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Finding } from "../../core/sink.ts";
import type { EventRefusal, RecordDestination, SinkRecord } from "../../records/record-sink.ts";
import type { Config } from "./config.ts";

/** What the server may answer: which events of the request it does not take, by their place in it. */
const Answer = z.object({ refused: z.array(z.object({ at: z.int(), reason: z.string() })) });

/** One page: how to write, and what the server's answers mean. */
export class PostDestination implements RecordDestination {
  private last = "nothing was sent yet";

  constructor(private readonly config: Config) {}

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<readonly EventRefusal[] | undefined> {
    const response = await this.post(records.map(lineOf).join("\n"), signal);
    this.last = `${response.status}`;
    if (response.ok) return refusalsOf(await response.text(), records);
    const what = `post ${records.length} events to ${this.config.url}: ${response.status} ${await response.text()}`;
    // The request itself is wrong, now and later; everything else may pass.
    throw new AppError(
      [400, 413, 422].includes(response.status) ? "EDGE_RECORD_REFUSED" : "EDGE_DESTINATION_AWAY",
      what,
    );
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const what = this.config.url;
    try {
      const response = await this.post("", signal);
      if (response.ok) return [{ what, says: "answers" }];
      return [{ what, error: new AppError("EDGE_DESTINATION_AWAY", `post nothing to ${what}: ${response.status}`) }];
    } catch (cause) {
      return [{ what, error: new AppError("EDGE_DESTINATION_AWAY", `post nothing to ${what}`, { cause }) }];
    }
  }

  status(): Readonly<Record<string, unknown>> {
    return { url: this.config.url, lastAnswer: this.last };
  }

  private async post(body: string, signal: AbortSignal): Promise<Response> {
    const { url, token } = this.config;
    try {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      return await fetch(url, {
        method: "POST",
        body,
        headers,
        signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]),
      });
    } catch (cause) {
      this.last = "no answer";
      throw new AppError("EDGE_DESTINATION_AWAY", `post to ${url}`, { cause });
    }
  }
}

function lineOf({ id, timeMs, key, body, headers }: SinkRecord): string {
  const shown = Object.fromEntries(headers.map(({ name, value }) => [name, value.toString("utf8")]));
  return JSON.stringify({
    id,
    time: timeMs,
    key: key?.toString("utf8"),
    headers: shown,
    body: body.toString("base64"),
  });
}

function refusalsOf(text: string, records: readonly SinkRecord[]): readonly EventRefusal[] | undefined {
  if (text === "") return undefined;
  return Answer.parse(JSON.parse(text)).refused.flatMap(({ at, reason }) => {
    const record = records[at];
    return record === undefined ? [] : [{ record, reason }];
  });
}
