import { createPrivateKey, X509Certificate } from "node:crypto";
import { messageOf } from "../errors/app-error.ts";

/** A certificate of ours with its key, as PEM texts. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** What the key is encrypted with. */
  readonly passphrase?: string | undefined;
}

/** Which field of a key pair is wrong, and why. */
export interface KeyPairMistake {
  readonly field: "cert" | "key" | "passphrase";
  readonly message: string;
}

/** What would make every TLS handshake fail later, said while the config is read. Undefined: the pair can be used. */
export function keyPairMistake({ cert, key, passphrase }: KeyPair): KeyPairMistake | undefined {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (thrown) {
    return { field: "cert", message: `not a certificate that can be read: ${messageOf(thrown)}` };
  }
  const encrypted = key.includes("ENCRYPTED");
  if (encrypted && passphrase === undefined) {
    return { field: "passphrase", message: "missing: the key is encrypted" };
  }
  try {
    const privateKey = createPrivateKey({ key, ...(passphrase === undefined ? {} : { passphrase }) });
    if (certificate.checkPrivateKey(privateKey)) return undefined;
    return { field: "key", message: "not the key of this certificate" };
  } catch (thrown) {
    const field = encrypted ? "passphrase" : "key";
    const what = encrypted ? "does not open the key" : "not a private key that can be read";
    return { field, message: `${what}: ${messageOf(thrown)}` };
  }
}
