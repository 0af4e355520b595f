import { z } from "zod";
import { path } from "../../shared/config/path.ts";
import { secret } from "../../shared/config/secret.ts";
import { readCertificate } from "./certificate.ts";

/** A file that is read again when it changes: so its path is kept, not its text. */
function file(description: string) {
  return z
    .strictObject({ file: path().meta({ description }) }, { error: "write { file: path }" })
    .transform((written) => written.file);
}

/** How central proves who it is, and whom it believes without a key. */
export const Tls = z
  .strictObject({
    cert: file("Path of the PEM file: our certificate, then those between it and its authority."),
    key: file("Path of the PEM file with the key of our certificate."),
    passphrase: secret().optional().meta({ description: "What the key is encrypted with.", secret: true }),
    clientCa: file(
      "Path of the PEM file: who signs the clients' certificates. A client that has one relays as the API key of its common name would.",
    ).optional(),
    clients: z.enum(["optional", "relay"]).default("optional").meta({
      description:
        "optional: a client without a certificate needs an API key, as without TLS. relay: what comes by relay needs a certificate, whatever key it has.",
    }),
  })
  .superRefine((tls, context) => {
    if (tls.clientCa === undefined && tls.clients === "relay") {
      context.addIssue({
        code: "custom",
        path: ["clients"],
        message: "nobody signs the certificates: name a clientCa",
      });
    }
    const read = readCertificate(tls);
    if (read.ok) return;
    context.addIssue({ code: "custom", path: [read.field], message: read.message });
  });

/** As it is in force. */
export type TlsSettings = z.output<typeof Tls>;
