import { z } from "zod";
import { listenerFields } from "../../listeners/listener-fields.ts";
import { syslogFields } from "../../listeners/syslog/syslog-fields.ts";

/** Config of the relp source. */
export const configSchema = () => z.strictObject({ ...listenerFields("127.0.0.1:2514"), ...syslogFields() });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
