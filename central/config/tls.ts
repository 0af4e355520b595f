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
    cert: file(
      "Path of the PEM file of central's certificate, followed by those between it and its authority. Not given: no TLS.",
    ),
    key: file("Path of the PEM file of the certificate's key."),
    passphrase: secret()
      .optional()
      .meta({ description: "Password of the certificate's key, if it is encrypted.", secret: true }),
    clientCa: file(
      "Path of the PEM file of the authority that signs clients' certificates. A client with such a certificate may relay like an API key whose name is the certificate's common name.",
    ).optional(),
    clients: z.enum(["optional", "relay"]).default("optional").meta({
      description:
        "optional: a client without a certificate needs an API key, as without TLS. relay: relaying needs a certificate, and an API key is not enough.",
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
