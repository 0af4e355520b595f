import { z } from "zod";
import { listenerFields } from "../../listeners/listener-fields.ts";
import { framingField, syslogFields } from "../../listeners/syslog/syslog-fields.ts";

/** Config of the syslog_tcp source. */
export const configSchema = () =>
  z.strictObject({ ...listenerFields("127.0.0.1:5514"), framing: framingField(), ...syslogFields() });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
