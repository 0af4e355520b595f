/**
 * Why a request had no answer, in our words: the client's own speak to whoever writes a program. Each says what is known, and
 * its hint what to look at; a fault of TLS is none of a server that is away.
 */
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";

/** What is known of the request. */
export interface HttpAttempt {
  /** What was asked, in words. */
  readonly what: string;
  readonly isTls: boolean;
  readonly timeoutMs: number;
  /** Nothing of its body can have reached the other side. */
  readonly nothingSent: boolean;
}

/** That no connection was made, so nothing was sent on it. */
const unreached: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ENOTFOUND: "the name of the host is not known",
  EAI_AGAIN: "the name of the host could not be looked up",
  EHOSTUNREACH: "there is no way to the host",
  ENETUNREACH: "there is no network that leads there",
};

const expired = "Renew the certificate of the destination; where it holds still, correct the clock here.";
const untrusted =
  "Give the authority that signed it as `tls.ca`. If the destination should have another certificate, somebody else answers there.";
const otherName = "Write the address as the certificate names it, or give that name as `tls.serverName`.";
/** Their certificate does not please us: found out before anything is sent. */
const certificates: Readonly<Record<string, readonly [says: string, hint: string]>> = {
  CERT_HAS_EXPIRED: ["its certificate has expired", expired],
  CERT_NOT_YET_VALID: ["its certificate does not hold yet", "Correct the clock, here or where it was made."],
  CERT_REVOKED: ["its certificate was revoked", "Give the destination another certificate."],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["its certificate is signed by itself, and not trusted here", untrusted],
  SELF_SIGNED_CERT_IN_CHAIN: ["its certificate is signed by an authority that is not trusted here", untrusted],
  UNABLE_TO_GET_ISSUER_CERT: ["its certificate is signed by an authority that is not known here", untrusted],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["its certificate is signed by an authority that is not known here", untrusted],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["its certificate is signed by an authority that is not known here", untrusted],
  CERT_UNTRUSTED: ["its certificate is not trusted here", untrusted],
  ERR_TLS_CERT_ALTNAME_INVALID: ["its certificate is for another name", otherName],
  HOSTNAME_MISMATCH: ["its certificate is for another name", otherName],
};
const handshake =
  "Check that the port speaks TLS. Where it asks for client certificates, give one that its authority signed: `tls.cert` and `tls.key`.";

/** Whether no connection that we would send on came about. */
export function neverConnected(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code in unreached || code in certificates;
}

/** The error for it. */
export function faultOf(thrown: unknown, { what, isTls, timeoutMs, nothingSent }: HttpAttempt): AppError {
  const code = codeOf(thrown);
  const away = (says: string, hint?: string) => {
    const more = hint === undefined ? {} : { hint };
    return new AppError("EDGE_DESTINATION_AWAY", `${what}: ${says}`, { nothingSent, ...more });
  };
  const said = unreached[code];
  if (said !== undefined) return away(`${said} (${code})`);
  const certificate = certificates[code];
  if (certificate !== undefined) {
    const [says, hint] = certificate;
    return new AppError(codes.EDGE_DESTINATION_TLS, `${what}: ${says} (${code})`, { hint, nothingSent });
  }
  if (code === "EPROTO") {
    const says = nothingSent ? "no TLS connection came about" : "the TLS connection was ended by the other side";
    return new AppError(codes.EDGE_DESTINATION_TLS, `${what}: ${says}`, { hint: handshake, nothingSent });
  }
  if (code === "ECONNRESET") {
    const hint = `Check that the destination is up.${isTls ? " One that asks for client certificates hangs up when its authority did not sign ours." : ""} The channel holds the events meanwhile.`;
    return away("the connection was closed before the answer (ECONNRESET)", hint);
  }
  if (thrown instanceof Error && thrown.name === "TimeoutError") {
    return away(`no ${nothingSent ? "connection" : "answer"} within ${timeoutMs} ms`);
  }
  if (thrown instanceof Error && thrown.name === "AbortError") return away("ended before the answer");
  return away(plain(thrown));
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "";
}

/** Without the advice for whoever called `fetch`, and without the address, which stands before it. */
function plain(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text.replace(/ fetching "[^"]*"/, "").replace(/\.? For more information, pass .*$/s, "");
}
