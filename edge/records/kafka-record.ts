/** A record as the Kafka client hands it out, and what the kafka source and the kafka channel read of it alike. */
import { textOfBytes } from "../../shared/kafka/record-batch/byte-text.ts";

/** null: a header without a value. */
type HeaderValue = Buffer | string | null;

export interface KafkaRecord {
  readonly offset: string;
  /** Milliseconds since 1970, as text. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, readonly HeaderValue[] | HeaderValue | undefined>> | undefined;
}

/** An event gets an identity of its own from each agent on its way: the one that it came with is kept under this header. */
export const originHeader = "origin";

/** The texts of a record's headers by name, in their order; of any bytes (`textOfBytes`). One without a value is an empty text. */
export function headersOf({ headers = {} }: Pick<KafkaRecord, "headers">) {
  const found = new Map<string, readonly string[]>();
  let withoutValue = 0;
  const text = (value: HeaderValue): string => {
    if (value === null) withoutValue++;
    return Buffer.isBuffer(value) ? textOfBytes(value) : (value ?? "");
  };
  for (const [name, written] of Object.entries(headers)) {
    if (written !== undefined) found.set(name, isList(written) ? written.map(text) : [text(written)]);
  }
  return { headers: found, withoutValue };
}

function isList(written: readonly HeaderValue[] | HeaderValue): written is readonly HeaderValue[] {
  return Array.isArray(written);
}
