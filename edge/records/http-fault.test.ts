import { describe, expect, test } from "bun:test";
import { messageOf } from "../../shared/errors/app-error.ts";
import { type CertifiedKey, makeCertificates, makeDatedCertificate } from "../../shared/testing/certificates.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { HttpPeer } from "./http-peer.ts";

const dir = tempDir("tailgate-http-fault-");
const { ca, otherCa, broker, client, stranger } = makeCertificates(dir.path);
const never = new AbortController().signal;

function serverOf(tls?: Bun.TLSOptions) {
  return Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    ...(tls === undefined ? {} : { tls }),
    fetch: () => new Response("ok"),
  });
}

async function ask(url: string, tls: { readonly ca: string } & Partial<CertifiedKey>): Promise<unknown> {
  const peer = new HttpPeer({ timeout: 5_000, tls });
  return await peer.ask({ method: "POST", url, body: "hello" }, never).catch((thrown: unknown) => thrown);
}

describe("a certificate that does not please is named for what is wrong with it, in our words", () => {
  const mutual = { ...broker, ca, requestCert: true, rejectUnauthorized: true };
  const own = () => makeDatedCertificate(dir.path, 2020, 2021);
  test.each([
    ["expired", () => own(), { ca }, "its certificate has expired", "Renew"],
    ["not yet", () => makeDatedCertificate(dir.path, 2090, 2091), { ca }, "does not hold yet", "clock"],
    ["of an authority that is not trusted", () => broker, { ca: otherCa }, "an authority that is not", "tls.ca"],
    ["for another name", () => client, { ca }, "is for another name", "tls.serverName"],
    ["none of ours", () => mutual, { ca }, "ended by the other side", "client certificates"],
  ] as const)("%s", async (_, made, tls, says, hint) => {
    await using server = serverOf(made());
    const thrown = await ask(`https://127.0.0.1:${server.port}/`, tls);
    expect(messageOf(thrown)).not.toContain("fetch");
    expect(thrown).toMatchObject({
      code: "EDGE_DESTINATION_TLS",
      severity: "transient",
      message: expect.stringContaining(says),
      hint: expect.stringContaining(hint),
    });
  });

  test("ours, of an authority that the server does not trust: it hangs up, and the hint says when servers do", async () => {
    await using server = serverOf(mutual);
    const url = `https://127.0.0.1:${server.port}/`;
    // Whether its word or its end comes first is the network's choice.
    const thrown = await ask(url, { ca, ...stranger });
    expect(messageOf(thrown)).not.toContain("fetch");
    expect(thrown).toMatchObject({
      code: expect.stringMatching(/^EDGE_DESTINATION_(AWAY|TLS)$/),
      hint: expect.stringContaining("client certificates"),
    });
  });

  test("a port that speaks no TLS", async () => {
    await using server = serverOf();
    expect(await ask(`https://127.0.0.1:${server.port}/`, { ca })).toMatchObject({
      code: "EDGE_DESTINATION_TLS",
      message: expect.stringContaining("no TLS connection came about"),
      nothingSent: true,
    });
  });
});

test("a body is asked for by a connection alone, and the next one goes as it is", async () => {
  const seen: (string | null)[] = [];
  await using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      seen.push(request.headers.get("content-length"), request.headers.get("transfer-encoding"), await request.text());
      return new Response("ok");
    },
  });
  const peer = new HttpPeer({ timeout: 5_000 });
  for (const body of ["hello", "again"]) await peer.ask({ method: "POST", url: String(server.url), body }, never);
  expect(seen).toEqual(["5", null, "hello", "5", null, "again"]);
});

test("of a method that is sent again by itself, a refusal says nothing of the first time", async () => {
  const server = serverOf();
  const url = String(server.url);
  const peer = new HttpPeer({ timeout: 5_000 });
  await peer.ask({ method: "PUT", url, body: "x" }, never);
  await server.stop(true);
  const refused = await until(
    "the connection to be refused",
    async () =>
      await peer.ask({ method: "PUT", url, body: "x" }, never).then(
        () => undefined,
        (thrown: unknown) => thrown,
      ),
    (thrown) => thrown instanceof Error && thrown.message.includes("ECONNREFUSED"),
  );
  expect(refused).toMatchObject({ nothingSent: false });
});
