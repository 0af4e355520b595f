import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";

/** A signature of a file, and how anybody checks it. */
export interface FileSignature {
  /** 64 bytes, as `openssl pkeyutl -verify -rawin` takes them. */
  readonly signature: Buffer;
  /** The key's public half, PEM. */
  readonly publicKey: string;
}

/**
 * Signs with the Ed25519 key in a PEM file (`openssl genpkey -algorithm ed25519`).
 *
 * @throws AppError `BUILD_FAILED` when that is no such key; no message holds any of it.
 */
export function signFile(path: string, keyFile: string): FileSignature {
  const refuse = (why: string) => new AppError(codes.BUILD_FAILED, `sign ${path} with ${keyFile}: ${why}`);
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(readFileSync(keyFile));
  } catch (thrown) {
    throw refuse(`it holds no private key in PEM (${messageOf(thrown).slice(0, 80)})`);
  }
  if (key.asymmetricKeyType !== "ed25519") throw refuse(`a key of type ${key.asymmetricKeyType}, not Ed25519`);
  return {
    signature: sign(null, readFileSync(path), key),
    publicKey: createPublicKey(key).export({ type: "spki", format: "pem" }).toString(),
  };
}
