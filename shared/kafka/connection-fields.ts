/** Config fields of everything that connects to Kafka: the edge's sink, the centre. What they yield, `createKafka` takes. */
import { z } from "zod";
import { readAddress } from "../config/address.ts";
import { clientTls } from "../config/client-tls.ts";
import { secret } from "../config/secret.ts";

/** Brokers to begin with: a list of `host:port`; an entry may name several, with commas between them. */
export function kafkaBrokers(missing: string) {
  return z
    .array(broker(), { error: missing })
    .min(1, { error: "name at least one broker" })
    .transform((lists) => lists.flat())
    .meta({
      description: "Addresses of brokers to ask for the cluster, as host:port. Name several, because one may be away.",
    });
}

function broker() {
  return z
    .string({ error: "not a broker: write host:port" })
    .transform((written) => written.split(",").map((each) => each.trim()))
    .superRefine((addresses, context) => {
      for (const address of addresses) {
        if ((readAddress(address)?.port ?? 0) > 0) continue;
        const message = `"${address}" is not a broker: write host:port, as in "kafka-1:9092"`;
        context.addIssue({ code: "custom", message });
      }
    });
}

/** TLS; `{}` is TLS with the system's list of authorities. */
export function kafkaTls() {
  return clientTls().safeExtend({
    verify: z.boolean().default(true).meta({ description: "Off only for tests: anybody can then play the broker." }),
  });
}

/** Logging in by user and password. */
export function kafkaSasl() {
  return z.strictObject({
    mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]).meta({ description: "How to prove who we are." }),
    username: z
      .string()
      .min(1)
      .meta({ description: "The Kafka user. With one user for each vehicle, a single vehicle can be shut out." }),
    password: secret().meta({ description: "Its password: a text or { file: path }.", secret: true }),
  });
}
