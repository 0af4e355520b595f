import { expect, test } from "bun:test";
import { makeCertificates } from "../shared/testing/certificates.ts";
import { tempDir } from "../shared/testing/temp-dir.ts";
import http from "./sources/http/index.ts";
import relay from "./sources/relay/index.ts";

using dir = tempDir();
const { broker: own, ca: clientCa } = makeCertificates(dir.path);
const tls = { key: own.key, cert: own.cert };

test.each([
  ["127.0.0.1:5142", {}, true],
  ["/run/agents.sock", {}, true],
  ["0.0.0.0:5142", { tokens: ["secret"] }, true],
  ["0.0.0.0:5142", { tls: { ...tls, clientCa } }, true],
  ["0.0.0.0:5142", {}, false],
  ["[::]:5142", {}, false],
  ["10.0.0.7:5142", { tls }, false],
])("who posts at %s is known, or is on this machine (%#)", (address, more, isTaken) => {
  expect(relay.read({ address, ...more }).ok).toBe(isTaken);
  expect(http.read({ address, format: "tailgate", ...more }).ok).toBe(isTaken);
  // Events without names of their own can claim nothing.
  expect(http.read({ address, ...more }).ok).toBe(true);
});
