import { z } from "zod";
import { decodeRecords } from "../../shared/kafka/record-batch/records.ts";
import { defineSink } from "../core/define.ts";
import type { LaneNotes } from "../core/lane-notes.ts";
import type { Delivery, LaneDelivery, Sink } from "../core/sink.ts";
import type { StoredBatch } from "../core/stored-batch.ts";

const configSchema = () =>
  z.strictObject({
    maxBytesToLog: z
      .number()
      .int()
      .min(0)
      .default(256)
      .meta({ description: "Bytes of each event's body that are shown." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.sink.LoggerSink. */
export default defineSink({
  type: "logger",
  summary: "Writes every event to standard output, one JSON object a line: for looking at what arrives.",
  stability: "stable",
  config: configSchema,
  example: { maxBytesToLog: 256 },
  create: (config) => new LoggerSink(config, writeStdout),
});

/** Resolves when the text was taken. */
export type Write = (text: string) => Promise<void>;

/** Exported for its test, which gives it another place to write to. */
export class LoggerSink implements Sink {
  private events = 0;

  constructor(
    private readonly config: Config,
    private readonly write: Write,
  ) {}

  async start(): Promise<void> {}

  lane({ lane }: Pick<LaneNotes, "lane">): LaneDelivery {
    return {
      deliver: async (batch): Promise<Delivery> => {
        await this.write(this.render(batch, lane.stream));
        this.events += batch.count;
        return { kind: "delivered" };
      },
    };
  }

  async stop(): Promise<void> {}

  status() {
    return { state: "writing", events: this.events };
  }

  private render(batch: StoredBatch, stream: string): string {
    let lines = "";
    for (const { offsetDelta, timeMs, key, value, headers } of decodeRecords(batch.bytes)) {
      const shown = {
        stream,
        seq: batch.first + offsetDelta,
        time: new Date(timeMs).toISOString(),
        key: key?.toString("utf8"),
        headers: Object.fromEntries(headers.map((header) => [header.name, header.value.toString("utf8")])),
        body: value.toString("utf8", 0, Math.min(value.length, this.config.maxBytesToLog)),
        cut: value.length > this.config.maxBytesToLog || undefined,
      };
      lines += `${JSON.stringify(shown)}\n`;
    }
    return lines;
  }
}

function writeStdout(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
