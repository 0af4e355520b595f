import { defineCodes } from "../../shared/errors/error-code.ts";

/** Error codes of the HTTP API. */
export const codes = defineCodes({
  CENTRAL_BAD_REQUEST: { severity: "usage", hint: "See /api/v1/openapi.json for what the route takes." },
  CENTRAL_BODY_TOO_LARGE: { severity: "usage", hint: "Send less at once, for example fewer ids in several requests." },
  CENTRAL_NOT_FOUND: { severity: "usage", hint: "See /api/v1/vehicles for what there is." },
  CENTRAL_UNAUTHORIZED: { severity: "usage", hint: "Send the API key as `Authorization: Bearer <key>`." },
  CENTRAL_FORBIDDEN: { severity: "usage", hint: "Give the key this scope in `apiKeys`, or use another key." },
  CENTRAL_CERTIFICATE_NEEDED: {
    severity: "usage",
    hint: "Give the client a certificate that `tls.clientCa` has signed; `tls.clients: optional` would take an API key in its place.",
  },
  CENTRAL_TOO_MANY_REFUSALS: { severity: "transient", hint: "Correct the key, and wait a second between tries." },
  CENTRAL_RATE_LIMITED: {
    severity: "transient",
    hint: "Wait as `Retry-After` says, ask less often, or raise `requestsPerSecond`.",
  },
  CENTRAL_TOO_MANY_EXPORTS: {
    severity: "transient",
    hint: "Wait until another export has ended; `Retry-After` says when to try.",
  },
  CENTRAL_TOO_MANY_SUBSCRIBERS: {
    severity: "transient",
    hint: "Close a live feed that nobody looks at, or ask another central on the same store.",
  },
  CENTRAL_NOT_IN_THIS_STORE: {
    severity: "usage",
    hint: "The kind of store that this central has does not support it. SQLite (a path) and PostgreSQL do.",
  },
  CENTRAL_METHOD: { severity: "usage", hint: "The header `Allow` says what this path takes." },
  CENTRAL_HOST_REFUSED: {
    severity: "usage",
    hint: "Ask by address or as localhost, or put the name into `allowedHosts`. Other names are refused, because a web page could use one to read from here (DNS rebinding).",
  },
});
