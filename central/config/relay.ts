import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import { relayAgents } from "./senders.ts";

/** What edges may bring over HTTP, past Kafka. */
export const Relay = z.strictObject({
  agents: relayAgents(),
  bodyBytesMax: byteSize({ min: 1024 * 1024, max: 64 * 1024 * 1024 })
    .prefault("4MiB")
    .meta({
      description:
        "Bytes of one request. An edge sends one batch, smaller than 1 MiB. Without `kafka` edges may always relay; with it `relay: {}` allows it.",
    }),
  waitingBytesMax: byteSize({ min: 1024 * 1024, max: 1024 * 1024 * 1024 })
    .prefault("64MiB")
    .meta({
      description:
        "Bytes of all requests that have come and are not stored yet. Further ones are answered with 429, and come again.",
    }),
  requestsMax: z.int().min(1).max(100_000).default(1_000).meta({
    description:
      "Requests that are read or stored at the same time. Further ones are answered with 429, and come again.",
  }),
});

/** With their defaults. */
export type RelaySettings = z.output<typeof Relay>;

/** Undefined: nothing is taken by relay. Without Kafka it is the only way, and needs no word. */
export function relaySettings({
  kafka,
  relay,
}: {
  readonly kafka?: object | undefined;
  readonly relay?: RelaySettings | undefined;
}): RelaySettings | undefined {
  return relay ?? (kafka === undefined ? Relay.parse({}) : undefined);
}
