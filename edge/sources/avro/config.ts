import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { listenerFields } from "../../listeners/listener-fields.ts";

/** Config of the avro source. */
export const configSchema = () =>
  z.strictObject({
    ...listenerFields("127.0.0.1:41414"),
    compression: z.enum(["none", "deflate"]).default("none").meta({
      description: "Whether senders compress their connection, as Flume's `compression-type`. All of them, or none.",
    }),
    keyHeader: z.string().min(1).optional().meta({
      description:
        "The event header that is the record's key; it stays a header, too. Unset: events come without a key.",
    }),
    timeHeader: z.string().min(1).optional().meta({
      description: "The event header that holds the event's time in milliseconds since 1970; Flume's is `timestamp`.",
    }),
    requestBytesMax: byteSize({ min: 1024, max: 256 * 1024 * 1024 })
      .prefault("32MiB")
      .meta({ description: "A larger request ends its connection: the sender's batches must be smaller." }),
    sendersMax: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .meta({ description: "Requests that may wait for an answer." }),
    answerWithin: duration({ min: 1 }).prefault("15s").meta({
      description:
        "How long a request waits for room in the channel; then it is answered with FAILED, and Flume sends it again.",
    }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
