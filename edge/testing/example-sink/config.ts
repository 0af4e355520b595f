import { z } from "zod";

/** What it is made from. */
export const configSchema = () =>
  z.strictObject({
    url: z.url().meta({ description: "Where events are posted to." }),
    recordsMax: z.int().min(1).default(500).meta({ description: "Events of one request." }),
    token: z.string().optional().meta({ description: "Sent as a bearer token." }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
