import { z } from "zod";
import { byteSize } from "../../shared/config/byte-size.ts";
import { clientTls } from "../../shared/config/client-tls.ts";
import { duration } from "../../shared/config/duration.ts";

/** Fields of every source that takes Flume's RPC, beside those of a listener. */
export const flumeRequestFields = () => ({
  keyHeader: z.string().min(1).optional().meta({
    description: "The event header that is the record's key; it stays a header, too. Unset: events come without a key.",
  }),
  timeHeader: z.string().min(1).optional().meta({
    description: "The event header that holds the event's time in milliseconds since 1970; Flume's is `timestamp`.",
  }),
  requestBytesMax: byteSize({ min: 1024, max: 256 * 1024 * 1024 })
    .prefault("32MiB")
    .meta({ description: "A larger request ends its connection: the sender's batches must be smaller." }),
  sendersMax: z.int().min(1).max(100_000).default(1_000).meta({ description: "Requests that may wait for an answer." }),
  answerWithin: duration({ min: 1 }).prefault("15s").meta({
    description:
      "How long a request waits for room in the channel; then it is answered with FAILED, and Flume sends it again.",
  }),
});

/** Fields of every sink that sends to a Flume; see flume-destination.ts. */
export const flumePeerFields = () => ({
  hostname: z.string().min(1).meta({ description: "Where the source listens: a name or an address." }),
  port: z.int().min(1).max(65_535).meta({ description: "Its port." }),
  batchSize: z.int().min(1).max(100_000).default(100).meta({
    description:
      "Events of one request. Flume refuses more than its channel's `transactionCapacity`; then smaller requests are tried.",
  }),
  batchBytes: byteSize({ min: 1024, max: 64 * 1024 * 1024 })
    .prefault("4MiB")
    .meta({ description: "Bytes of one request's bodies; a larger event is sent alone." }),
  tls: clientTls().optional().meta({ description: "Encrypts the connection; {} for the system's certificates." }),
  keyHeader: z.string().min(1).default("key").meta({
    description: "The header that carries a record's key; an event's own header of that name counts before it.",
  }),
  connectTimeout: duration({ min: 100, max: 300_000 })
    .prefault("20s")
    .meta({ description: "How long it may take until a connection stands." }),
  requestTimeout: duration({ min: 100, max: 600_000 }).prefault("20s").meta({
    description: "How long a request may take until it is answered; then the connection is closed and opened anew.",
  }),
  resetConnectionInterval: duration({ min: 1_000 }).optional().meta({
    description:
      "Opens the connection anew after this long, so that a load balancer may send it elsewhere. Never when left out.",
  }),
});
