import { defineSignal } from "../../shared/telemetry/log.ts";

/** What the log says of TLS. */
export const signals = {
  renewed: defineSignal({
    name: "certificate_renewed",
    level: "info",
    message: "The files of the certificate have changed: new connections get the new one, open ones go on",
  }),
  renewalRefused: defineSignal({
    name: "certificate_renewal_refused",
    level: "error",
    message: "The files of the certificate have changed and cannot be used; the one from before stays in force",
  }),
  expired: defineSignal({
    name: "certificate_expired",
    level: "error",
    message: "Our certificate is over: clients refuse it",
  }),
  refused: defineSignal({
    name: "tls_refused",
    level: "warn",
    message: "A connection was refused: no TLS that we speak, or a certificate that we do not believe",
    atMostEveryMs: 10_000,
  }),
};
