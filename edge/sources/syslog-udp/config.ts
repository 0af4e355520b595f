import { z } from "zod";
import { datagramFields } from "../../listeners/listener-fields.ts";
import { syslogFields } from "../../listeners/syslog/syslog-fields.ts";

/** Config of the syslog_udp source. */
export const configSchema = () => {
  // A datagram is never as long as that.
  const { eventBytesMax: _, ...fields } = syslogFields();
  return z.strictObject({ ...datagramFields("127.0.0.1:5514"), ...fields });
};
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
