/** The files of central's certificate, which whoever renews it writes anew: read together, or not at all. */
import { X509Certificate } from "node:crypto";
import { statSync } from "node:fs";
import { keyPairMistake } from "../../shared/config/key-pair.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { readNamedText, textBytesMax } from "../../shared/files/read-named.ts";

/** Where they are. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
  readonly clientCa?: string | undefined;
}

/** What they hold, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly passphrase: string | undefined;
  readonly clientCa: string | undefined;
  readonly subject: string;
  /** Of our certificate. */
  readonly expiresMs: number;
}

/** A certificate that can be used, or which of the files is wrong. */
export type ReadCertificate =
  | { readonly ok: true; readonly certificate: Certificate }
  | { readonly ok: false; readonly field: "cert" | "key" | "passphrase" | "clientCa"; readonly message: string };

/** Reads all of them. One that has expired is read: clients refuse it, and say so themselves. */
export function readCertificate({ passphrase, ...files }: CertificateFiles): ReadCertificate {
  const cert = textOf(files.cert);
  if (!cert.ok) return { ...cert, field: "cert" };
  const key = textOf(files.key);
  if (!key.ok) return { ...key, field: "key" };
  const mistake = keyPairMistake({ cert: cert.text, key: key.text, passphrase });
  if (mistake !== undefined) return { ok: false, ...mistake };
  const clientCa = files.clientCa === undefined ? undefined : textOf(files.clientCa);
  if (clientCa?.ok === false) return { ...clientCa, field: "clientCa" };
  if (clientCa !== undefined && !isCertificate(clientCa.text)) {
    return { ok: false, field: "clientCa", message: `${files.clientCa}: not a certificate that can be read` };
  }
  const { subject, validTo } = new X509Certificate(cert.text);
  const expiresMs = Date.parse(validTo);
  const certificate = { cert: cert.text, key: key.text, passphrase, clientCa: clientCa?.text, subject, expiresMs };
  return { ok: true, certificate };
}

/** What changes when one of the files does. */
export function stampOf({ cert, key, clientCa }: CertificateFiles): string {
  return [cert, key, ...(clientCa === undefined ? [] : [clientCa])]
    .map((path) => {
      try {
        const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
        return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
      } catch (thrown) {
        return messageOf(thrown);
      }
    })
    .join("\n");
}

/** A pipe is refused: the files are read again whenever they change. */
function textOf(path: string): { ok: true; text: string } | { ok: false; message: string } {
  try {
    return { ok: true, text: readNamedText(path, { bytesMax: textBytesMax, pipes: "refuse" }) };
  } catch (thrown) {
    return { ok: false, message: `read ${path}: ${messageOf(thrown)}` };
  }
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).subject !== "";
  } catch {
    return false;
  }
}
