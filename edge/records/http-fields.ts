import { z } from "zod";
import { clientTls } from "../../shared/config/client-tls.ts";
import { duration } from "../../shared/config/duration.ts";
import { secret } from "../../shared/config/secret.ts";

/** Fields of every sink that writes over HTTP; see http-peer.ts. */
export const httpFields = () => ({
  token: bearerToken().optional().meta({ description: "Sent as `Authorization: Bearer …`." }),
  user: z.string().min(1).optional().meta({ description: "Sent with `password` as `Authorization: Basic …`." }),
  password: secret().optional().meta({ description: "The password of `user`." }),
  tls: clientTls().optional().meta({ description: "For https: whom to trust, and our own certificate." }),
  keepConnection: z.boolean().default(true).meta({
    description:
      "false: each request has a connection of its own, so none is sent on one that the server, or something between, has given up in the same moment: after that nobody knows whether it was taken. It costs a handshake for each request.",
  }),
  timeout: duration({ min: 100 })
    .prefault("30s")
    .meta({ description: "How long a request may take until its answer has been read." }),
});

/** What a header can carry: anything else would fail at every request, and look like a server that is away. */
const bearerToken = () =>
  secret().superRefine((text, context) => {
    if (/^[\x21-\x7e]+$/.test(text)) return;
    const message = "a token has letters, digits and signs of ASCII, without spaces or line ends";
    context.addIssue({ code: "custom", message });
  });

/** What `httpFields` yields. */
export type HttpFields = z.output<z.ZodObject<ReturnType<typeof httpFields>>>;

/** A config field: an http or https address without credentials in it. */
export function httpUrl() {
  return z
    .url({ protocol: /^https?$/, error: "not an address: write http://… or https://…" })
    .superRefine((text, context) => {
      const url = URL.parse(text);
      if (url === null || (url.username === "" && url.password === "")) return;
      context.addIssue({
        code: "custom",
        message: "holds credentials, which would show in logs: use `user` and `password`",
      });
    });
}

/** Which of the credentials does not fit the others; undefined: none. For a config's `superRefine`. */
export function credentialMistake({
  token,
  user,
  password,
}: Pick<HttpFields, "token" | "user" | "password">): string | undefined {
  if ((user === undefined) !== (password === undefined)) return "user and password go together";
  return token !== undefined && user !== undefined ? "give a token, or user and password, not both" : undefined;
}
