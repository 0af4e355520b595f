/** The listening half with TLS, with certificates by openssl and connections of its own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { type Report, silent } from "../../shared/telemetry/log.ts";
import {
  type Certificates,
  type CertifiedKey,
  makeCertificates,
  makeDatedCertificate,
} from "../../shared/testing/certificates.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { type Certificate, readCertificate } from "../config/certificate.ts";
import { ownDescriptors } from "../descriptors.ts";
import { type Application, type RunningServer, serve } from "../server.ts";
import { Renewal } from "./renewal.ts";

const dir = tempDir("tailgate-central-tls-");
let first: Certificates;
let second: Certificates;
beforeAll(() => {
  const made = ["first", "second"].map((name) => {
    mkdirSync(dir.file(name));
    return makeCertificates(dir.file(name));
  });
  const [one, other] = made;
  if (one === undefined || other === undefined) throw new Error("no certificates");
  [first, second] = [one, other];
});
afterAll(() => dir[Symbol.dispose]());

/** Tells who it takes its caller for, and what came. */
const echo: Application = {
  fetch: async (request, { certificate }) =>
    Response.json({ certificate: certificate ?? null, bytes: (await request.bytes()).length }),
};

function certificateOf({ cert, key }: CertifiedKey, clientCa?: string): Certificate {
  const files = { cert: dir.file("now.pem"), key: dir.file("now.key"), clientCa: dir.file("now-ca.pem") };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  if (clientCa !== undefined) writeFileSync(files.clientCa, clientCa);
  const read = readCertificate(clientCa === undefined ? { cert: files.cert, key: files.key } : files);
  if (!read.ok) throw new Error(read.message);
  return read.certificate;
}

function serveWith(certificate: Certificate, application = echo, report: Report = silent) {
  const options = { report, descriptors: ownDescriptors, bodyBytesMax: 16 * 1024 * 1024, certificate };
  const server = serve(application, "127.0.0.1:0", options);
  return { ...server, [Symbol.asyncDispose]: server.stop };
}

/** Ports of 127.0.0.1 that this process listens on. */
function loopbackPorts(): readonly number[] {
  const own = new Set(readdirSync("/proc/self/fd").map((fd) => linkOf(`/proc/self/fd/${fd}`)));
  const lines = readFileSync("/proc/self/net/tcp", "utf8").trim().split("\n").slice(1);
  return lines.flatMap((line) => {
    const [, local = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    const [address, port = ""] = local.split(":");
    const listens = state === "0A" && address === "0100007F" && own.has(`socket:[${inode}]`);
    return listens ? [Number.parseInt(port, 16)] : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // The one that the folder was read with.
  }
}

/** On a connection of its own. */
async function ask(server: RunningServer, tls: Bun.TLSOptions, body?: Uint8Array) {
  const method = body === undefined ? "GET" : "POST";
  return await fetch(server.url, { method, tls, keepalive: false, ...(body === undefined ? {} : { body }) });
}

async function answer(...asked: Parameters<typeof ask>): Promise<unknown> {
  try {
    return await (await ask(...asked)).json();
  } catch {
    return "refused";
  }
}

describe("central over TLS", () => {
  test("whoever trusts our authority is served, with or without a certificate; its name is the handshake's word", async () => {
    await using server = serveWith(certificateOf(first.broker, first.ca));
    expect(server.url).toStartWith("https://127.0.0.1:");
    const trusts = { ca: first.ca };
    expect(await answer(server, trusts)).toEqual({ certificate: null, bytes: 0 });
    expect(await answer(server, { ...trusts, ...first.client })).toEqual({ certificate: "gw-1", bytes: 0 });
    expect(await answer(server, { ca: first.otherCa })).toBe("refused");
    expect(await answer(server, { ca: second.ca })).toBe("refused");
  });

  test("a client's certificate that our authority has not signed, or that is over, is refused: not taken as none", async () => {
    const said: unknown[] = [];
    const report: Report = ({ name }, fields) => said.push([name, fields?.why]);
    await using server = serveWith(certificateOf(first.broker, first.ca), echo, report);
    expect(await answer(server, { ca: first.ca, ...first.stranger })).toBe("refused");
    const over = makeDatedCertificate(dir.file("first"), 2020, 2021);
    expect(await answer(server, { ca: first.ca, ...over })).toBe("refused");
    expect(said).toEqual([
      ["tls_refused", expect.stringContaining("verify")],
      ["tls_refused", expect.stringContaining("expired")],
    ]);
    // Without a `clientCa` nobody is asked for one, and nobody's is believed.
    await using open = serveWith(certificateOf(first.broker));
    expect(await answer(open, { ca: first.ca, ...first.client })).toEqual({ certificate: null, bytes: 0 });
  });

  test("TLS 1.0 and 1.1 are refused, 1.2 and 1.3 spoken", async () => {
    await using server = serveWith(certificateOf(first.broker));
    const { port } = new URL(server.url);
    const spoken = async (version: string) => {
      // The lowest security level, so that the client itself would speak the old ones.
      const words = ["s_client", "-connect", `127.0.0.1:${port}`, version, "-cipher", "DEFAULT@SECLEVEL=0"];
      const client = Bun.spawn(["openssl", ...words], { stdin: "ignore", stdout: "pipe", stderr: "ignore" });
      return /Cipher is (?!\(NONE\))/.test(await client.stdout.text());
    };
    const versions = ["-tls1", "-tls1_1", "-tls1_2", "-tls1_3"];
    expect(await Promise.all(versions.map(spoken))).toEqual([false, false, true, true]);
  });

  test("bodies and answers of megabytes come through whole, also to a client that reads slowly", async () => {
    const large = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
    const application: Application = {
      fetch: async (request) => new Response(request.method === "POST" ? await request.bytes() : "none"),
    };
    await using server = serveWith(certificateOf(first.broker), application);
    const response = await ask(server, { ca: first.ca }, large);
    const parts: Uint8Array[] = [];
    for await (const part of response.body ?? []) {
      parts.push(part);
      if (parts.length < 20) await Bun.sleep(10);
    }
    expect(Buffer.concat(parts).equals(large)).toBe(true);
  });

  test("HTTP/2 is agreed on with a client that asks for it", async () => {
    await using server = serveWith(certificateOf(first.broker));
    const init = { tls: { ca: first.ca }, protocol: "http2" as const };
    const response = await fetch(server.url, init);
    expect(await response.json()).toEqual({ certificate: null, bytes: 0 });
  });

  test("the plain port beneath answers nobody who did not come over TLS", async () => {
    const application: Application = { fetch: () => new Response("secret") };
    const before = loopbackPorts();
    await using server = serveWith(certificateOf(first.broker), application);
    const own = new URL(server.url).port;
    const [inner, ...more] = loopbackPorts().filter((port) => !before.includes(port) && String(port) !== own);
    expect(more).toEqual([]);
    expect(await (await ask(server, { ca: first.ca })).text()).toBe("secret");
    const plain = await fetch(`http://127.0.0.1:${inner}/`);
    expect([plain.status, await plain.text()]).toEqual([421, "ask over TLS\n"]);
  });

  test("a connection that says nothing, or no TLS, is let go", async () => {
    const said: unknown[] = [];
    await using server = serveWith(certificateOf(first.broker), echo, ({ name }) => said.push(name));
    const plain = await fetch(server.url.replace("https", "http")).then(
      () => "answered",
      () => "refused",
    );
    expect(plain).toBe("refused");
    expect(said).toEqual(["tls_refused"]);
  });
});

describe("renewal", () => {
  test("files that change count without a restart; open connections go on; what cannot be used changes nothing", async () => {
    const files = { cert: dir.file("now.pem"), key: dir.file("now.key") };
    const certificate = certificateOf(first.broker);
    await using server = serveWith(certificate);
    const said: unknown[] = [];
    const clock = new VirtualClock(Date.now());
    const take = (renewed: Certificate) => server.renew(renewed);
    const renewal = new Renewal({ files, clock, report: ({ name }) => said.push(name), take }, certificate);
    try {
      const { hostname, port } = new URL(server.url);
      let heard = "";
      const open = await Bun.connect({
        hostname,
        port: Number(port),
        tls: { ca: first.ca },
        socket: {
          data: (_, chunk) => {
            heard += chunk.toString();
          },
        },
      });
      // Half of a renewal: the certificate is there, its key is not yet.
      writeFileSync(files.cert, second.broker.cert);
      renewal.look();
      expect(said).toEqual(["certificate_renewal_refused"]);
      expect(await answer(server, { ca: first.ca })).toEqual({ certificate: null, bytes: 0 });
      writeFileSync(files.key, second.broker.key);
      renewal.look();
      expect(said).toEqual(["certificate_renewal_refused", "certificate_renewed"]);
      expect(await answer(server, { ca: second.ca })).toEqual({ certificate: null, bytes: 0 });
      expect(await answer(server, { ca: first.ca })).toBe("refused");
      open.write("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
      await until(
        "an answer on the old connection",
        () => heard,
        (text) => text.includes('"bytes":0'),
      );
      open.terminate();
      renewal.look();
      expect(said).toHaveLength(2);
    } finally {
      renewal.stop();
    }
  });

  test("one that is over is said, and its end is known", () => {
    const over = makeDatedCertificate(dir.file("first"), 2020, 2021);
    const certificate = certificateOf(over);
    expect(certificate.expiresMs).toBe(Date.parse("2021-01-01T00:00:00Z"));
    const said: unknown[] = [];
    const files = { cert: dir.file("now.pem"), key: dir.file("now.key") };
    const clock = new VirtualClock(Date.parse("2020-12-31T23:59:00Z"));
    const renewal = new Renewal({ files, clock, report: ({ name }) => said.push(name), take: () => {} }, certificate);
    renewal.look();
    expect(said).toEqual([]);
    clock.advance(120_000);
    renewal.look();
    renewal.look();
    expect(said).toEqual(["certificate_expired"]);
    renewal.stop();
  });
});
