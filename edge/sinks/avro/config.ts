import { z } from "zod";
import { flumePeerFields } from "../../records/flume-fields.ts";

/** Config of the avro sink. */
export const configSchema = () =>
  z.strictObject({
    ...flumePeerFields(),
    compression: z.enum(["none", "deflate"]).default("none").meta({
      description:
        "Whether the connection is compressed: as the other side's `compression-type`. With `tls` it lies below TLS, as in Flume 1.11, and makes nothing smaller.",
    }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
