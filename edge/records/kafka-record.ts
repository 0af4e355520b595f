/** A record as the Kafka client hands it out, and what the kafka source and the kafka channel read of it alike. */

export interface KafkaRecord {
  readonly offset: string;
  /** Milliseconds since 1970, as text. */
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>> | undefined;
}

/** An event gets an identity of its own from each agent on its way: the one that it came with is kept under this header. */
export const originHeader = "origin";

/** The headers as texts. Of several with one name the last one counts, as in Kafka's own `lastHeader`. */
export function lastHeaders({ headers = {} }: Pick<KafkaRecord, "headers">): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, written] of Object.entries(headers)) {
    const last = Array.isArray(written) ? written.at(-1) : written;
    if (last !== undefined && last !== null) found.set(name, last.toString());
  }
  return found;
}
