import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { clientTls } from "../../../shared/config/client-tls.ts";
import { duration } from "../../../shared/config/duration.ts";

/** Config of the avro sink. */
export const configSchema = () =>
  z.strictObject({
    hostname: z.string().min(1).meta({ description: "Where the source listens: a name or an address." }),
    port: z.int().min(1).max(65_535).meta({ description: "Its port." }),
    batchSize: z.int().min(1).max(100_000).default(100).meta({
      description:
        "Events of one request. A Flume refuses more than its channel's `transactionCapacity`; then smaller requests are tried.",
    }),
    batchBytes: byteSize({ min: 1024, max: 64 * 1024 * 1024 })
      .prefault("4MiB")
      .meta({ description: "Bytes of one request's bodies; a larger event travels alone." }),
    compression: z.enum(["none", "deflate"]).default("none").meta({
      description: "Whether the connection is compressed: as the other side's `compression-type`.",
    }),
    tls: clientTls().optional().meta({ description: "Encrypts the connection; {} for the system's certificates." }),
    keyHeader: z.string().min(1).default("key").meta({
      description: "The header that carries a record's key; an event's own header of that name counts before it.",
    }),
    connectTimeout: duration({ min: 100, max: 300_000 })
      .prefault("20s")
      .meta({ description: "Until a connection stands." }),
    requestTimeout: duration({ min: 100, max: 600_000 }).prefault("20s").meta({
      description: "Until a request is answered; then the connection is cut and opened anew.",
    }),
    resetConnectionInterval: duration({ min: 1_000 }).optional().meta({
      description:
        "Opens the connection anew after so long, so that a load balancer may send it elsewhere. Never when left out.",
    }),
  });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
