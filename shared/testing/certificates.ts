/**
 * Certificates for tests of TLS, made by openssl: an authority, a broker's certificate for 127.0.0.1, a client's, and a
 * second authority that nobody trusts. PEM throughout, which Kafka reads since KIP-651.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate and its key, as PEM texts. */
export interface CertifiedKey {
  readonly cert: string;
  readonly key: string;
}

/** All that a broker and its clients need. */
export interface Certificates {
  /** Signed `broker` and `client`. */
  readonly ca: string;
  /** Signed `stranger`, and nothing else. */
  readonly otherCa: string;
  /** For 127.0.0.1 and localhost. */
  readonly broker: CertifiedKey;
  /** Its name is `CN=gw-1`. */
  readonly client: CertifiedKey;
  /** As `client`, by the authority that nobody trusts. */
  readonly stranger: CertifiedKey;
  /** Lines for server.properties: keys and trust for all TLS listeners of a broker. */
  readonly brokerProperties: Readonly<Record<string, string>>;
}

/** Makes them in `folder`, where the broker's own files stay. @throws Error with openssl's words. */
export function makeCertificates(folder: string): Certificates {
  const ca = issue(folder, "ca", "/CN=Test authority");
  const otherCa = issue(folder, "other-ca", "/CN=Other authority");
  const broker = issue(folder, "broker", "/CN=broker", "ca", ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]);
  const client = issue(folder, "client", "/CN=gw-1", "ca");
  const stranger = issue(folder, "stranger", "/CN=gw-1", "other-ca");
  const keystore = join(folder, "broker-keystore.pem");
  writeFileSync(keystore, `${broker.key}${broker.cert}`, { mode: 0o600 });
  return {
    ca: ca.cert,
    otherCa: otherCa.cert,
    broker,
    client,
    stranger,
    brokerProperties: {
      "ssl.keystore.type": "PEM",
      "ssl.keystore.location": keystore,
      "ssl.truststore.type": "PEM",
      "ssl.truststore.location": join(folder, "ca.pem"),
    },
  };
}

/**
 * A broker's certificate that holds between two years, by the authority that `makeCertificates` left in `folder`: its
 * time is over, or has not come. Takes `openssl ca`, the one command that is told dates.
 */
export function makeDatedCertificate(folder: string, fromYear: number, untilYear: number): CertifiedKey {
  const at = (name: string) => join(folder, `dated-${fromYear}${name}`);
  const [cert, key, request, config, database] = [at(".pem"), at(".key"), at(".csr"), at(".cnf"), at(".txt")];
  const lines = ["[ca]", "default_ca = own", "[own]", `database = ${database}`, `new_certs_dir = ${folder}`];
  const rules = ["rand_serial = yes", "default_md = sha256", "copy_extensions = copy", "policy = names", "[names]"];
  writeFileSync(config, [...lines, ...rules, "commonName = supplied", ""].join("\n"));
  writeFileSync(database, "");
  const names = ["-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1"];
  openssl(["req", "-new", ...newKeyAt(key), "-out", request, ...names]);
  const dates = ["-startdate", `${fromYear}0101000000Z`, "-enddate", `${untilYear}0101000000Z`];
  const signer = ["-cert", join(folder, "ca.pem"), "-keyfile", join(folder, "ca.key")];
  openssl(["ca", "-batch", "-notext", "-config", config, ...signer, ...dates, "-in", request, "-out", cert]);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

/** Signed by `by`; without it, an authority that signs itself. */
function issue(folder: string, name: string, subject: string, by?: string, more: readonly string[] = []): CertifiedKey {
  const [cert, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const signer =
    by === undefined
      ? []
      : ["-CA", join(folder, `${by}.pem`), "-CAkey", join(folder, `${by}.key`), "-addext", "basicConstraints=CA:FALSE"];
  openssl(["req", "-x509", "-days", "2", "-subj", subject, ...newKeyAt(key), "-out", cert, ...signer, ...more]);
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}

function newKeyAt(file: string): readonly string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-keyout", file];
}

function openssl(words: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...words]);
  if (exitCode !== 0) throw new Error(`run openssl ${words[0]} for a certificate: ${stderr}`);
}
