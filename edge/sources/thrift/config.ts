import { z } from "zod";
import { listenerFields } from "../../listeners/listener-fields.ts";
import { flumeRequestFields } from "../../records/flume-fields.ts";

/** Config of the thrift source. */
export const configSchema = () =>
  z.strictObject({
    ...listenerFields("127.0.0.1:41415"),
    ...flumeRequestFields(),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
