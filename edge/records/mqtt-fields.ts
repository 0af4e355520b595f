import { z } from "zod";

/** A config field: where a broker listens. */
export const brokerAddress = () =>
  z.string({ error: 'not a broker: write "host:port"' }).transform((written, context) => {
    const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(written);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host !== undefined && port > 0 && port < 65_536) return { host, port };
    context.addIssue({
      code: "custom",
      message: `"${written}" is not a broker: write host:port, as in "127.0.0.1:1883"`,
    });
    return z.NEVER;
  });
