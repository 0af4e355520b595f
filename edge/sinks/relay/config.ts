import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { readSigningKey } from "../../../shared/signature/keys.ts";
import { httpFields, httpUrl } from "../../records/http-fields.ts";

/** The sink's config. */
export const configSchema = () => {
  const { token, tls } = httpFields();
  return z
    .strictObject({
      url: httpUrl().meta({
        description:
          "Address of central, as in https://central.example.com:8443; its path is added when there is none.",
      }),
      token: token.meta({
        description: "The key that central has for this agent, with the scope `relay`; better as `{ file: path }`.",
      }),
      tls,
      http: z.enum(["1.1", "2"]).default("1.1").meta({
        description:
          "2: one connection for all lanes, by ALPN, only with https. 1.1: a connection for each lane, at half of the CPU.",
      }),
      signingKey: signingKey().optional().meta({
        secret: true,
        description:
          "A private Ed25519 key (`tailgate keygen` makes one): every batch is signed with it when it is sent, as the Kafka sink does.",
      }),
      timeout: duration({ min: 1_000, max: 600_000 }).prefault("60s").meta({
        description: "How long a request may take until its answer has been read. Then the same is sent again.",
      }),
    })
    .superRefine(({ url, http, tls }, context) => {
      if (url.startsWith("https:")) return;
      if (http === "2") {
        const message = "HTTP/2 is agreed on in TLS: write https, or leave it at 1.1";
        context.addIssue({ code: "custom", path: ["http"], message });
      }
      if (tls !== undefined) {
        context.addIssue({ code: "custom", path: ["tls"], message: "there is no TLS with http: write https" });
      }
    });
};

/** A private Ed25519 key as PEM. */
const signingKey = () =>
  secret().superRefine((text, context) => {
    const read = readSigningKey(text);
    if (!read.ok) context.addIssue({ code: "custom", message: read.message });
  });

/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
