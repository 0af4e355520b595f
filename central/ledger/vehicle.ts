import { parseIdentity } from "../../shared/identity/identity.ts";

/** The name of records without a key and without an identity: no key's bytes have it. */
export const noKeyName = "(no key)";

/** Whose record this is: the key's vehicle; without a key the agent that its identity names. */
export function vehicleOf(key: Uint8Array | undefined, identity: string | undefined): string {
  const agent = identity === undefined ? undefined : parseIdentity(identity)?.agent;
  if (agent !== undefined && (key === undefined || key.length === 0)) return agent;
  return key === undefined ? noKeyName : vehicleName(key);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Control characters, and marks that change the direction of what stands beside them on a screen. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unreadable = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/**
 * A key's bytes as a vehicle's name: the text when they are readable UTF-8, else `0x` and their hexadecimal digits.
 * Two keys never have the same name, so that the name finds the vehicle: a text that looks like the second form, or
 * like the name for no key, is given in digits too.
 */
export function vehicleName(key: Uint8Array): string {
  const text = decode(key);
  if (text !== undefined && text !== "" && text !== noKeyName && !text.startsWith("0x") && !unreadable.test(text)) {
    return text;
  }
  return `0x${Buffer.from(key).toString("hex")}`;
}

/** The key that a vehicle's name stands for: the way back from `vehicleName`. */
export function keyOf(name: string): Buffer {
  return /^0x([0-9a-f]{2})*$/.test(name) ? Buffer.from(name.slice(2), "hex") : Buffer.from(name, "utf8");
}

function decode(key: Uint8Array): string | undefined {
  try {
    return utf8.decode(key);
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}
