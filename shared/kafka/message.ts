import type { WireReader, WireWriter } from "./wire.ts";

/** The lowest and the highest version of a request, both included. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

/**
 * A request of Kafka's protocol, in the versions that we speak, and how its answer is read. Never throws for an error code:
 * it is data. Which version is spoken is settled for each connection (`versionFor`): brokers drop old versions (KIP-896) and
 * lack new ones, and some that are not Apache's refuse versions that they announce.
 */
export interface Message<Answer> {
  readonly name: string;
  readonly apiKey: number;
  readonly versions: VersionRange;
  /** The first version with tagged fields, which puts an (empty) list of them into both headers (KIP-482). Undefined: none. */
  readonly flexibleFrom?: number;
  /** Bytes of the body, roughly. */
  readonly bytes?: number;
  write(to: WireWriter, version: number): void;
  read(from: WireReader, version: number): Answer;
}

/** What a broker says it has, by API key (ApiVersions, KIP-35). */
export type BrokerVersions = Readonly<
  Record<number, { readonly minVersion: number; readonly maxVersion: number } | undefined>
>;

/** The highest version that both sides speak; undefined: there is none. */
export function versionFor({ apiKey, versions }: Message<unknown>, broker: BrokerVersions): number | undefined {
  const range = broker[apiKey];
  if (range === undefined) return undefined;
  const version = Math.min(versions.max, range.maxVersion);
  return version >= Math.max(versions.min, range.minVersion) ? version : undefined;
}

/** Whether this version of a message has tagged fields. */
export function isFlexible({ flexibleFrom }: Message<unknown>, version: number): boolean {
  return flexibleFrom !== undefined && version >= flexibleFrom;
}
