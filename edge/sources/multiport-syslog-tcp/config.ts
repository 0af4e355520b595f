import { z } from "zod";
import { listenerFields } from "../../listeners/listener-fields.ts";
import { framingField, syslogFields } from "../../listeners/syslog/syslog-fields.ts";

/** Config of the multiport_syslog_tcp source. */
export const configSchema = () => {
  const { address: _, ...fields } = listenerFields("127.0.0.1:0");
  return z.strictObject({
    host: z.string().min(1).default("127.0.0.1").meta({
      description:
        "The address of this machine on which all ports listen. The default is loopback; 0.0.0.0 or :: is all addresses.",
    }),
    ports: z.array(z.int().min(0).max(65_535)).min(1).max(1_000).meta({ description: "The ports to listen on." }),
    portHeader: z
      .string()
      .min(1)
      .optional()
      .meta({ description: "Name of a header that is to hold the port on which a message came; unset: none." }),
    ...fields,
    framing: framingField(),
    ...syslogFields(),
  });
};
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
