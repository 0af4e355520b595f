/** The ways between a Flume and us that are tried: each with its port at either side, and how both are told of it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { makeCertificates } from "../../../../shared/testing/certificates.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import type { TempDir } from "../../../../shared/testing/temp-dir.ts";

/** One way: keys of a flume.conf for its sink and its source, and fields of ours. */
export interface Way {
  readonly name: string;
  readonly type: "avro" | "thrift";
  /** Where Flume's source listens, and where ours does. */
  readonly atFlume: number;
  readonly atUs: number;
  readonly flumeSink: Readonly<Record<string, string>>;
  readonly flumeSource: Readonly<Record<string, string>>;
  readonly sink: Readonly<Record<string, unknown>>;
  readonly source: Readonly<Record<string, unknown>>;
}

type Parts = Omit<Way, "atFlume" | "atUs">;
const same = (keys: Readonly<Record<string, string>>) => ({ flumeSink: keys, flumeSource: keys });

/** Makes the certificates and key stores, and finds the ports. */
export async function waysOf(dir: TempDir): Promise<readonly Way[]> {
  const folder = dir.file("certificates");
  mkdirSync(folder);
  const { ca, broker } = makeCertificates(folder);
  const pem = dir.file("certificates/both.pem");
  const keystore = dir.file("certificates/server.p12");
  const truststore = dir.file("certificates/trust.jks");
  writeFileSync(pem, broker.cert + broker.key);
  writeFileSync(dir.file("certificates/signer.pem"), ca);
  run("openssl", "pkcs12", "-export", "-in", pem, "-out", keystore, "-passout", "pass:secret", "-name", "server");
  run(
    ..."keytool -importcert -noprompt -alias ca -storetype JKS -storepass secret -file".split(" "),
    dir.file("certificates/signer.pem"),
    "-keystore",
    truststore,
  );
  const tls = {
    flumeSink: { ssl: "true", truststore, "truststore-password": "secret", "truststore-type": "JKS" },
    flumeSource: { ssl: "true", keystore, "keystore-password": "secret", "keystore-type": "PKCS12" },
    sink: { tls: { ca, serverName: "localhost" } },
    source: { tls: { cert: broker.cert, key: broker.key } },
  };
  const deflate = same({ "compression-type": "deflate" });
  const binary = same({ protocol: "binary" });
  const all: readonly Parts[] = [
    { name: "plain", type: "avro", ...same({}), sink: {}, source: {} },
    {
      name: "deflate",
      type: "avro",
      ...deflate,
      sink: { compression: "deflate" },
      source: { compression: "deflate" },
    },
    { name: "tls", type: "avro", ...tls },
    {
      name: "tlsDeflate",
      type: "avro",
      flumeSink: { ...tls.flumeSink, ...deflate.flumeSink },
      flumeSource: { ...tls.flumeSource, ...deflate.flumeSource },
      sink: { ...tls.sink, compression: "deflate" },
      source: { ...tls.source, compression: "deflate" },
    },
    { name: "thrift", type: "thrift", ...same({}), sink: {}, source: {} },
    { name: "thriftBinary", type: "thrift", ...binary, sink: { protocol: "binary" }, source: {} },
    { name: "thriftTls", type: "thrift", ...tls },
  ];
  const ways: Way[] = [];
  for (const way of all) ways.push({ ...way, atFlume: await freePort(), atUs: await freePort() });
  return ways;
}

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command[0]}: ${stderr.toString()}`);
}

/** Lines of a flume.conf. */
export function keysOf(component: string, keys: Readonly<Record<string, string | number>>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${component}.${key} = ${value}\n`)
    .join("");
}
