import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Finding } from "../../core/sink.ts";
import { Escapes } from "../../records/escapes.ts";
import { errorOf, excerpt, type HttpAnswer, HttpPeer, meaningOf } from "../../records/http-peer.ts";
import type { EventRefusal, RecordDestination, SinkRecord } from "../../records/record-destination.ts";
import type { Config } from "./config.ts";
import { documentId, documentOf } from "./document.ts";

const Item = z.object({
  status: z.int(),
  error: z.object({ type: z.string().default(""), reason: z.string().nullish() }).optional(),
});
type Item = z.output<typeof Item>;
/** One map a document, with the operation as its key. */
const Answer = z.object({ errors: z.boolean(), items: z.array(z.record(z.string(), Item)) });

/**
 * Writes by the bulk interface. The document's id is the event's identity, so writing again what is there changes nothing. A
 * bulk request is no transaction: each document has its own answer, and each is looked at.
 */
export class ElasticDestination implements RecordDestination {
  readonly knowsRepeats = true;
  private readonly peer: HttpPeer;
  private readonly names = new Map<string, Escapes>();
  private readonly bulk: string;

  constructor(
    private readonly config: Config,
    private readonly agent: string,
  ) {
    this.peer = new HttpPeer(config);
    const query = new URLSearchParams({ filter_path: "errors,items.*.status,items.*.error.type,items.*.error.reason" });
    if (config.pipeline !== undefined) query.set("pipeline", config.pipeline);
    this.bulk = `${config.url.replace(/\/+$/, "")}/_bulk?${query}`;
  }

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<readonly EventRefusal[] | undefined> {
    const what = `write ${records.length} documents to ${this.config.url}`;
    const answer = await this.peer.ask(
      {
        method: "POST",
        url: this.bulk,
        body: records.map((record) => this.lines(record)).join(""),
        headers: { "content-type": "application/x-ndjson" },
        // A refusal quotes what it refuses, in short.
        answerBytesMax: 1024 * 1024 + records.length * 8 * 1024,
      },
      signal,
    );
    if (meaningOf(answer.status) !== "taken") throw errorOf(answer, what);
    const items = itemsOf(answer);
    // Nobody knows what was taken: all of it comes again and overwrites itself.
    if (items?.length !== records.length) {
      const hint = "Something between here and the cluster answers in its place, or it speaks another protocol.";
      throw new AppError("EDGE_DESTINATION_AWAY", `${what}: 200, but no bulk answer: ${excerpt(answer.text)}`, {
        hint,
      });
    }
    return records.flatMap((record, index) => this.judge(record, items[index]));
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const { url } = this.config;
    try {
      const answer = await this.peer.ask({ method: "GET", url }, signal);
      if (meaningOf(answer.status) !== "taken") return [{ what: url, error: errorOf(answer, "ask who it is") }];
      return [{ what: url, says: `answers: ${excerpt(answer.text, 120)}` }];
    } catch (thrown) {
      const error = thrown instanceof AppError ? thrown : new AppError("EDGE_DESTINATION_AWAY", url, { cause: thrown });
      return [{ what: url, error }];
    }
  }

  status(): Readonly<Record<string, unknown>> {
    return { url: this.config.url, lastAnswer: this.peer.last };
  }

  private judge(record: SinkRecord, item: Item | undefined): readonly EventRefusal[] {
    if (item === undefined || (item.status >= 200 && item.status < 300)) return [];
    // It is there already: `create` leaves it as it is.
    if (item.status === 409 && this.config.operation === "create") return [];
    const { type = "", reason = "" } = item.error ?? {};
    const words = `${item.status} ${type}: ${excerpt(reason ?? "")}`;
    // 400 is the document's own fault (a field of another type, too many fields). All else is the cluster's and may pass:
    // 429 and 503 are haste, 403 is an index that is closed for a full disk, 404 one that may not be made by itself.
    return [{ record, reason: words, again: item.status !== 400 }];
  }

  private lines(record: SinkRecord): string {
    const action = { [this.config.operation]: { _index: this.index(record), _id: documentId(record) } };
    return `${JSON.stringify(action)}\n${JSON.stringify(documentOf(record, this.config.body))}\n`;
  }

  private index(record: SinkRecord): string {
    let escapes = this.names.get(record.stream);
    if (escapes === undefined) {
      const { index, timeZone } = this.config;
      escapes = new Escapes(index, { timeZone, names: { stream: record.stream, agent: this.agent } });
      this.names.set(record.stream, escapes);
    }
    return indexName(escapes.render(record));
  }
}

/** Small letters, no character that an index name must not hold, 255 bytes. */
export function indexName(text: string): string {
  const legal = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}._@+-]/gu, "_")
    .replace(/^[-_+.]+/, "");
  let name = legal === "" ? "unknown" : legal;
  while (Buffer.byteLength(name) > 255) name = name.slice(0, -1);
  return name;
}

function itemsOf({ text, cut }: HttpAnswer): readonly (Item | undefined)[] | undefined {
  if (cut) return undefined;
  try {
    return Answer.safeParse(JSON.parse(text)).data?.items.map((item) => Object.values(item)[0]);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
