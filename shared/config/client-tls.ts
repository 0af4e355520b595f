import { z } from "zod";
import { keyPairMistake } from "./key-pair.ts";
import { pem } from "./pem.ts";
import { secret } from "./secret.ts";

/** A config field: how a client proves the server's name, and its own where the server asks. */
export function clientTls() {
  return z
    .strictObject({
      ca: pem()
        .optional()
        .meta({ description: "Who signed the server's certificate; the system's list when left out." }),
      cert: pem().optional().meta({ description: "Our own certificate, for mutual TLS." }),
      key: secret().optional().meta({ description: "The key of our certificate, as PEM." }),
      passphrase: secret().optional().meta({ description: "What the key is encrypted with." }),
      serverName: z
        .string()
        .optional()
        .meta({ description: "The name in the server's certificate, if not the host's." }),
    })
    .refine(({ cert, key }) => (cert === undefined) === (key === undefined), { error: "cert and key go together" })
    .superRefine(({ cert, key, passphrase }, context) => {
      if (cert === undefined || key === undefined) return;
      const mistake = keyPairMistake({ cert, key, passphrase });
      if (mistake !== undefined) context.addIssue({ code: "custom", path: [mistake.field], message: mistake.message });
    });
}

/** What `clientTls` yields. */
export type ClientTls = z.output<ReturnType<typeof clientTls>>;
