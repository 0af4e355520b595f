/** Avro's handshake: each side names its protocol, and gives its text to who does not know it. */
import type { AvroReader, AvroWriter } from "./binary.ts";

/** What the client says first on a connection, before its first call. */
export interface HandshakeRequest {
  readonly clientHash: Buffer;
  /** Given when the server has asked for it. */
  readonly clientProtocol: string | undefined;
  readonly serverHash: Buffer;
}

/** `both`: each knows the other. `client`: we know the client's, here is ours. `none`: we must be told the client's. */
export type Match = "both" | "client" | "none";

const matches: readonly Match[] = ["both", "client", "none"];
const metaMax = 1_000;

/** Reads a request. @throws AvroMistake. */
export function readHandshakeRequest(reader: AvroReader): HandshakeRequest {
  const clientHash = Buffer.from(reader.fixed(16));
  const clientProtocol = optional(reader, () => reader.string());
  const serverHash = Buffer.from(reader.fixed(16));
  optional(reader, () => skipMeta(reader));
  return { clientHash, clientProtocol, serverHash };
}

/** Writes a request. */
export function writeHandshakeRequest(
  writer: AvroWriter,
  { clientHash, clientProtocol, serverHash }: HandshakeRequest,
): void {
  writer.fixed(clientHash);
  if (clientProtocol === undefined) writer.long(0);
  else writer.long(1).string(clientProtocol);
  writer.fixed(serverHash).long(0);
}

/** Reads an answer; the server's hash is given where it is not what we said. @throws AvroMistake. */
export function readHandshakeResponse(reader: AvroReader): {
  readonly match: Match | undefined;
  readonly serverHash: Buffer | undefined;
} {
  const match = matches[reader.long()];
  optional(reader, () => reader.string());
  const serverHash = optional(reader, () => Buffer.from(reader.fixed(16)));
  optional(reader, () => skipMeta(reader));
  return { match, serverHash };
}

/** Writes an answer. */
export function writeHandshakeResponse(
  writer: AvroWriter,
  match: Match,
  ours: { readonly text: string; readonly hash: Buffer },
): void {
  writer.long(matches.indexOf(match));
  if (match === "both") writer.long(0).long(0);
  else writer.long(1).string(ours.text).long(1).fixed(ours.hash);
  writer.long(0);
}

/** The metadata of a call, which nobody uses. @throws AvroMistake. */
export function skipMeta(reader: AvroReader): void {
  reader.items(metaMax, () => {
    reader.bytes();
    reader.bytes();
  });
}

/** A union of null and something. */
function optional<T>(reader: AvroReader, read: () => T): T | undefined {
  return reader.long() === 0 ? undefined : read();
}
