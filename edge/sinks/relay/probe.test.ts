import { expect, test } from "bun:test";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { fakeContext } from "../../testing/fakes/component.ts";
import definition from "./index.ts";

const dir = tempDir("tailgate-relay-probe-");

test.each([
  ["gw-1", false],
  ["gw-2", true],
])("check --connect by agent %s with the certificate of gw-1 says whether it names another", async (agent, isOther) => {
  const { ca, broker, client } = makeCertificates(dir.path);
  await using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    tls: { ...broker, ca, requestCert: true, rejectUnauthorized: true },
    fetch: () => Response.json({ records: 0 }),
  });
  const reading = definition.read({ url: String(server.url), tls: { ca, ...client } });
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues));
  const sink = await reading.value.create(fakeContext({ agent }));
  const words = JSON.stringify(await sink.probe?.(new AbortController().signal));
  expect(words).toContain("takes our key");
  expect(words.includes("every batch is refused")).toBe(isOther);
  await sink.stop();
});
