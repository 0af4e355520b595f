import { z } from "zod";
import { flumePeerFields } from "../../records/flume-fields.ts";

/** Config of the thrift sink. */
export const configSchema = () =>
  z.strictObject({
    ...flumePeerFields(),
    protocol: z.enum(["compact", "binary"]).default("compact").meta({
      description: "How calls are written: as the other side's `protocol`. A source of ours takes both.",
    }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
