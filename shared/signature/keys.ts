/**
 * Keys that sign batches: Ed25519 (RFC 8032). A gateway has the private one as PEM (PKCS #8); the centre has the public
 * one as a line of text, `AGENT ed25519:BASE64`, and an agent may have several, so that they can be changed one after
 * the other. A key is called by the first eight bytes of the SHA-256 of its public bytes.
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { messageOf } from "../errors/app-error.ts";

/** Bytes of a key's name on the wire. */
export const KEY_ID_BYTES = 8;

const publicKeyBytes = 32;
/** What stands before the 32 bytes of an Ed25519 key in a DER SubjectPublicKeyInfo (RFC 8410). */
const spkiPrefix = Buffer.from("302a300506032b6570032100", "hex");

/** A gateway's key. */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly id: Buffer;
  /** What the centre is given: `ed25519:BASE64`. */
  readonly publicText: string;
}

/** A key whose signatures are believed. */
export interface PublicKey {
  readonly key: KeyObject;
  /** Hexadecimal, for people and look-ups. */
  readonly id: string;
}

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string };

/** A new key, as PEM. */
export function makeSigningKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** Reads a private key; the message never holds any of it. */
export function readSigningKey(pem: string): Read<SigningKey> {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(pem);
  } catch (thrown) {
    return { ok: false, message: `not a private key in PEM (${messageOf(thrown).slice(0, 80)}); make one with keygen` };
  }
  if (privateKey.asymmetricKeyType !== "ed25519") {
    return { ok: false, message: `a key of type ${privateKey.asymmetricKeyType}; batches are signed with Ed25519` };
  }
  const raw = rawOf(createPublicKey(privateKey));
  return { ok: true, value: { privateKey, id: idOf(raw), publicText: `ed25519:${raw.toString("base64")}` } };
}

/** Reads `ed25519:BASE64`. */
export function readPublicKey(text: string): Read<PublicKey> {
  const match = /^ed25519:([A-Za-z0-9+/]{43}=)$/.exec(text);
  const raw = Buffer.from(match?.[1] ?? "", "base64");
  if (raw.length !== publicKeyBytes) return { ok: false, message: "not a key: write ed25519: and 44 digits of base64" };
  const key = createPublicKey({ key: Buffer.concat([spkiPrefix, raw]), format: "der", type: "spki" });
  return { ok: true, value: { key, id: idOf(raw).toString("hex") } };
}

function rawOf(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" }).subarray(spkiPrefix.length);
}

function idOf(raw: Buffer): Buffer {
  return createHash("sha256").update(raw).digest().subarray(0, KEY_ID_BYTES);
}
