import type { WireReader, WireWriter } from "./wire.ts";

/** A request of Kafka's protocol in one version, and how its answer is read. Never throws for an error code: it is data. */
export interface Message<Answer> {
  readonly name: string;
  readonly apiKey: number;
  readonly version: number;
  /** Versions with tagged fields put an (empty) list of them into both headers (KIP-482). */
  readonly flexible?: boolean;
  /** Bytes of the body, roughly. */
  readonly bytes?: number;
  write(to: WireWriter): void;
  read(from: WireReader): Answer;
}
