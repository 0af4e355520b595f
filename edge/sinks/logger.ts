import { z } from "zod";
import { AppError } from "../../shared/errors/app-error.ts";
import { defineSink } from "../core/define.ts";
import { asNumber } from "../core/flume-mapping.ts";
import { type RecordDestination, RecordSink, type SinkRecord } from "../records/record-sink.ts";

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
  flume: () => [
    {
      names: ["logger", "org.apache.flume.sink.LoggerSink"],
      keys: { maxBytesToLog: { to: "maxBytesToLog", as: asNumber } },
      start: { maxBytesToLog: 16 },
      differences: ["It writes JSON to standard output; Flume writes text to its log."],
    },
  ],
  create: (config, context) =>
    new RecordSink(context, { destination: new LoggerDestination(config, writeStdout), writersMax: 1 }),
});

/** The largest time that a Date holds. */
const dateMsMax = 8_640_000_000_000_000;

/** Resolves when the text was taken. */
export type Write = (text: string) => Promise<void>;

/** Exported for its test, which gives it another place to write to. */
export class LoggerDestination implements RecordDestination {
  constructor(
    private readonly config: Config,
    private readonly writeText: Write,
  ) {}

  async write(records: readonly SinkRecord[]): Promise<undefined> {
    let lines = "";
    for (const record of records) lines += `${JSON.stringify(this.shown(record))}\n`;
    try {
      await this.writeText(lines);
    } catch (cause) {
      throw new AppError("EDGE_DESTINATION_AWAY", `write ${records.length} events to standard output`, { cause });
    }
  }

  status() {
    return { state: "writing" };
  }

  private shown({ stream, seq, timeMs, key, body, headers }: SinkRecord) {
    return {
      stream,
      seq,
      // A time that no date can hold is shown as the number it is.
      time: Math.abs(timeMs) <= dateMsMax ? new Date(timeMs).toISOString() : timeMs,
      key: key?.toString("utf8"),
      headers: Object.fromEntries(headers.map(({ name, value }) => [name, value.toString("utf8")])),
      body: body.toString("utf8", 0, Math.min(body.length, this.config.maxBytesToLog)),
      cut: body.length > this.config.maxBytesToLog || undefined,
    };
  }
}

function writeStdout(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
