import { z } from "zod";
import { datagramFields } from "../../listeners/listener-fields.ts";

/** Config of the netcat_udp source. */
export const configSchema = () =>
  z.strictObject({
    ...datagramFields("127.0.0.1:44444"),
    clientIpHeader: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Name of a header that is to hold the sender's address; unset: none." }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
