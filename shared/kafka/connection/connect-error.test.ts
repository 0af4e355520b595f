/** The causes are what kafkajs under Bun made of a real broker's refusals; the integration tests meet them in life. */
import { describe, expect, test } from "bun:test";
import { AppError, messageOf } from "../../errors/app-error.ts";
import { explainClientError, explainConnect, explainSilence } from "./connect-error.ts";

const authority = { tls: { ca: "CA" } };
const mutual = { tls: { ca: "CA", cert: "CERT", key: "KEY" } };
const sasl = { mechanism: "plain", username: "gw-1", password: "secret" } as const;

function failure(name: string, message: string, code?: string | number): Error {
  return Object.assign(new Error(message), { name, ...(code === undefined ? {} : { code }) });
}

const lost = (message: string, code?: string) => failure("KafkaJSConnectionError", message, code);
const closed = failure("KafkaJSConnectionClosedError", "Closed connection");
const handshakeCut = "Client network socket disconnected before secure TLS connection was established";

test.each([
  ["an unknown authority", authority, lost("unverified", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"), "KAFKA_TLS", /tls\.ca/],
  ["one that signed itself", authority, lost("self", "DEPTH_ZERO_SELF_SIGNED_CERT"), "KAFKA_TLS", /tls\.ca/],
  ["another name", authority, lost("name", "ERR_TLS_CERT_ALTNAME_INVALID"), "KAFKA_TLS", /tls\.serverName/],
  ["a time that is over", authority, lost("old", "CERT_HAS_EXPIRED"), "KAFKA_TLS", /clock/],
  ["a time to come", authority, lost("new", "CERT_NOT_YET_VALID"), "KAFKA_TLS", /clock/],
  ["none of ours", authority, lost("alert", "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE"), "KAFKA_TLS", /asks for a client/],
  ["ours turned down", mutual, lost("alert", "ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN"), "KAFKA_TLS", /turns our/],
  ["no common version", mutual, lost("version", "ERR_SSL_WRONG_VERSION_NUMBER"), "KAFKA_TLS", /speaks no TLS/],
  ["any other alert", mutual, lost("alert", "ERR_SSL_NO_SHARED_CIPHER"), "KAFKA_TLS", /broker's log/],
  ["a handshake that is cut", authority, lost(handshakeCut, "ECONNRESET"), "KAFKA_TLS", /port for TLS/],
  ["a damaged key", mutual, lost("Failed to connect: KEY_VALUES_MISMATCH"), "KAFKA_TLS", /cannot be used/],
  ["no SASL", { ...mutual, sasl }, failure("KafkaJSProtocolError", "state", 34), "KAFKA_AUTHENTICATION", /remove sasl/],
  ["a mechanism", { sasl }, failure("KafkaJSProtocolError", "m", 33), "KAFKA_AUTHENTICATION", /does not offer plain/],
] as const)("a connection that failed by %s is told with the setting to mend", (_, security, cause, code, hint) => {
  const explained = explainConnect(new AppError("KAFKA_UNREACHABLE", "connect", { cause }), security);
  expect(`${explained.code}`).toBe(code);
  expect(explained.hint).toMatch(hint);
  expect(messageOf(explained)).toBe(`connect: ${cause.message}`);
});

test("what is none of TLS and login stays as it is", () => {
  for (const error of [
    new AppError("KAFKA_UNREACHABLE", "connect", { cause: lost("refused", "ECONNREFUSED") }),
    new AppError("KAFKA_UNREACHABLE", "send", { cause: closed }),
    new AppError("KAFKA_AUTHENTICATION", "connect", { cause: failure("KafkaJSSASLAuthenticationError", "wrong") }),
    new AppError("KAFKA_UNAUTHORIZED", "send"),
  ]) {
    expect(explainConnect(error, { ...mutual, sasl })).toBe(error);
  }
});

test("a mechanism that the broker does not offer is named", () => {
  const cause = failure("KafkaJSSASLAuthenticationError", "SASL PLAIN mechanism is not supported by the server");
  const explained = explainConnect(new AppError("KAFKA_AUTHENTICATION", "connect", { cause }), { sasl });
  expect(explained.hint).toStartWith("The broker does not offer plain:");
});

describe("a listener that hangs up while one connects", () => {
  const hint = (security: Parameters<typeof explainSilence>[1]) =>
    explainSilence(new AppError("KAFKA_UNREACHABLE", "connect", { cause: closed }), security).hint;

  test("may expect what was not tried", () => {
    expect(hint({})).toContain("it may expect TLS (tls) or a login (sasl)");
    expect(hint({ sasl })).toContain("it may expect TLS (tls), or its port");
    expect(hint(authority)).toContain("it may ask for a login (sasl) or tls.cert and tls.key.");
    expect(hint(mutual)).toContain("it may ask for a login (sasl).");
  });

  test("after everything was tried, it is not guessed why", () => {
    expect(hint({ ...mutual, sasl })).toBe("The listener closed the connection after TLS was made.");
  });
});

test("what kafkajs throws when it gives up is told by its cause, once", () => {
  const cause = lost("unverified", "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  const given = Object.assign(new Error("unverified", { cause }), { name: "KafkaJSNumberOfRetriesExceeded" });
  const explained = explainClientError("list topics", given, authority);
  expect(`${explained.code} ${messageOf(explained)}`).toBe("KAFKA_TLS list topics: unverified");
  const refused = failure("KafkaJSSASLAuthenticationError", "wrong");
  expect(explainClientError("list topics", refused, { sasl }).code).toBe("KAFKA_AUTHENTICATION");
});
