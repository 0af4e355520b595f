import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";

/** What it is made from. */
export const configSchema = () =>
  z.strictObject({
    port: z
      .int()
      .min(0)
      .max(65_535)
      .default(0)
      .meta({ description: "Where it listens on loopback; 0: any free port." }),
    sendersMax: z.int().min(1).default(1_000).meta({ description: "Requests that may wait at once." }),
    answerWithin: duration().prefault("30s").meta({ description: "How long a request waits for its answer." }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
