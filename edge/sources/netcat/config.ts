import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { lineFields } from "../../core/line-fields.ts";
import { listenerFields } from "../../listeners/listener-fields.ts";

const { lineBytesMax, skipEmptyLines, stripCarriageReturn } = lineFields;

/** Config of the netcat source. */
export const configSchema = () =>
  z.strictObject({
    ...listenerFields("127.0.0.1:44444"),
    ackEveryEvent: z.boolean().default(true).meta({
      description:
        "Each line is answered with OK when it is durable, or with FAILED and the reason. Off: nothing is answered, and lines that were received and not stored are lost when the agent is killed.",
    }),
    lineBytesMax: lineBytesMax.meta({
      description:
        "A longer line is answered with FAILED and not taken. With ackEveryEvent off it is cut here, marked with the header `cut`, and counted.",
    }),
    skipEmptyLines,
    stripCarriageReturn,
    clientIpHeader: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Name of a header that is to hold the sender's address; unset: none." }),
    sendersMax: z
      .int()
      .min(1)
      .max(100_000)
      .default(1_000)
      .meta({ description: "Senders that may wait for an answer." }),
    answerWithin: duration({ min: 1 }).prefault("30s").meta({ description: "How long a line waits for room." }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
