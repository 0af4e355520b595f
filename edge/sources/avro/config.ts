import { z } from "zod";
import { listenerFields } from "../../listeners/listener-fields.ts";
import { flumeRequestFields } from "../../records/flume-fields.ts";

/** Config of the avro source. */
export const configSchema = () =>
  z.strictObject({
    ...listenerFields("127.0.0.1:41414"),
    compression: z.enum(["none", "deflate"]).default("none").meta({
      description:
        "Whether senders compress their connection, as Flume's `compression-type`. All of them, or none. With `tls` it lies below TLS, as in Flume 1.11, and makes nothing smaller.",
    }),
    ...flumeRequestFields(),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
