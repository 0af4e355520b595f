/**
 * What a failed connection means to whoever has to mend it. The client says "unreachable" for all that is neither an
 * answer nor a refused login; the causes below it carry what TLS (node's and BoringSSL's codes, RFC 8446 alerts) and SASL
 * said. Found by trying, against Kafka 4.3.1: scripts/integration/edge/kafka-secure.integration.test.ts, and central's.
 */
import { AppError, hasCode, messageOf } from "../../errors/app-error.ts";
import type { Code } from "../../errors/codes.ts";
import type { KafkaConnection } from "./client.ts";

type Security = Pick<KafkaConnection, "tls" | "sasl">;

interface Diagnosis {
  readonly code: Code;
  readonly hint: string;
}

const again = "Tailgate tries again on its own.";

/** The same error with the code and the hint that its cause calls for; as it is, when the cause is nothing of the kind. */
export function explainConnect(error: AppError, security: Security): AppError {
  if (!hasCode(error, "KAFKA_UNREACHABLE", "KAFKA_AUTHENTICATION")) return error;
  const diagnosis = diagnose(error, security);
  if (diagnosis === undefined) return error;
  return new AppError(diagnosis.code, error.message, { cause: error.cause, hint: `${diagnosis.hint} ${again}` });
}

/** What kafkajs threw, as the error that it means. `doing` is what was tried. */
export function explainClientError(doing: string, thrown: unknown, security: Security): AppError {
  // It repeats the last failure's words.
  const cause = thrown instanceof Error && thrown.name === "KafkaJSNumberOfRetriesExceeded" ? thrown.cause : thrown;
  const refused = causes(cause).some(({ name }) => name.startsWith("KafkaJSSASL"));
  const code = refused ? "KAFKA_AUTHENTICATION" : "KAFKA_UNREACHABLE";
  return explainSilence(new AppError(code, doing, { cause }), security);
}

/**
 * The hint for a connection that the broker closed before it had answered anything: what a listener does that expects
 * other words. Only while connecting: later it is an ordinary loss.
 */
export function explainSilence(error: AppError, security: Security): AppError {
  const explained = explainConnect(error, security);
  if (explained !== error || !hasCode(error, "KAFKA_UNREACHABLE") || !wasClosed(error)) return explained;
  return new AppError(error.declared, error.message, { cause: error.cause, hint: closedHint(security) });
}

function diagnose(error: AppError, { tls, sasl }: Security): Diagnosis | undefined {
  const said = messageOf(error);
  const code = causeCode(error);
  if (hasCode(error, "KAFKA_AUTHENTICATION")) {
    if (sasl === undefined || !said.includes("not supported by the server")) return undefined;
    return login(`The broker does not offer ${sasl.mechanism}: take another sasl.mechanism, or another of its ports.`);
  }
  // ILLEGAL_SASL_STATE: a listener without SASL was asked to log somebody in.
  if (code === 34) return login("This listener takes no SASL: remove sasl, or connect to the listener that does.");
  // UNSUPPORTED_SASL_MECHANISM: kafkajs makes a protocol error of it, as if nobody had refused us.
  if (code === 33)
    return login(
      `The broker does not offer ${sasl?.mechanism ?? "this"}: take another sasl.mechanism, or another of its ports.`,
    );
  if (tls === undefined) return undefined;
  const trouble = typeof code === "string" ? tlsHint(code, tls.cert !== undefined) : undefined;
  if (trouble !== undefined) return { code: "KAFKA_TLS", hint: trouble };
  if (said.includes("before secure TLS connection")) {
    return { code: "KAFKA_TLS", hint: "The listener ended the TLS handshake: is this its port for TLS?" };
  }
  // kafkajs's words for an exception of tls.connect itself: nothing was sent.
  if (!said.includes("Failed to connect:")) return undefined;
  return { code: "KAFKA_TLS", hint: "tls.ca, tls.cert or tls.key cannot be used as they are: damaged, or encrypted." };
}

function login(hint: string): Diagnosis {
  return { code: "KAFKA_AUTHENTICATION", hint };
}

/** node's codes for a broker's certificate that does not pass, and the alerts with which the broker turns ours down. */
function tlsHint(code: string, hasOwn: boolean): string | undefined {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return "The broker's certificate is for another name: use that name in brokers, or set tls.serverName to it.";
  }
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
    return "The broker's certificate is not valid now: renew it, if this machine's clock is right.";
  }
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA)/.test(code)) {
    return "The broker's certificate was not signed by the authority in tls.ca (or, without tls.ca, by one of the system's).";
  }
  if (code.includes("WRONG_VERSION_NUMBER")) return "The listener speaks no TLS: remove tls, or take its port for TLS.";
  if (!code.startsWith("ERR_SSL_") && !code.startsWith("ERR_TLS_")) return undefined;
  if (!/ALERT_.*(CERTIFICATE|CA$|ACCESS)/.test(code)) return "The TLS handshake failed; the broker's log may say more.";
  return hasOwn
    ? "The broker turns our certificate down: it has expired, or the broker's truststore lacks the authority that signed it."
    : "The broker asks for a client certificate: set tls.cert and tls.key.";
}

function closedHint({ tls, sasl }: Security): string {
  if (tls === undefined) {
    const login = sasl === undefined ? " or a login (sasl)" : "";
    return `The listener closed the connection: it may expect TLS (tls)${login}, or its port is another.`;
  }
  const wanted = [sasl === undefined ? "a login (sasl)" : "", tls.cert === undefined ? "tls.cert and tls.key" : ""];
  const list = wanted.filter((each) => each !== "").join(" or ");
  return `The listener closed the connection after TLS was made${list === "" ? "." : `: it may ask for ${list}.`}`;
}

/** Of the innermost error that has one: node's, BoringSSL's or Kafka's. */
function causeCode(error: Error): unknown {
  return causes(error.cause)
    .map((cause) => ("code" in cause ? cause.code : undefined))
    .findLast((code) => code !== undefined);
}

function wasClosed(error: Error): boolean {
  return causes(error.cause).some(
    (cause) => cause.name === "KafkaJSConnectionClosedError" || ("code" in cause && cause.code === "ECONNRESET"),
  );
}

/** An error and what led to it, from the outside in. */
function causes(thrown: unknown): readonly Error[] {
  return thrown instanceof Error ? [thrown, ...causes(thrown.cause)] : [];
}
