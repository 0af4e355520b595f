import { z } from "@hono/zod-openapi";

/** Everything in one line of numbers, on the wire. */
export const Status = z
  .object({
    stored: z.int().openapi({ description: "Events in the store." }),
    withoutIdentity: z.int().openapi({ description: "Of these, from other producers: outside the ledger." }),
    missing: z.int().openapi({ description: "Numbers between the first and the last of each lane that did not come." }),
    beforeFirst: z.int().openapi({ description: "Numbers before the first of each lane: perhaps never sent here." }),
    repeated: z.int().openapi({ description: "Came again, and were not stored again." }),
    conflicts: z.int(),
    shed: z.int(),
    deadLettered: z.int(),
    gaps: z.int(),
    vehicles: z.int(),
    linesPerSecond: z.number().openapi({ description: "Stored, over the last five seconds." }),
    lag: z.int().nullable().openapi({ description: "Offsets that can be read and are not stored yet; null: unknown." }),
    waiting: z
      .int()
      .nullable()
      .openapi({ description: "Offsets after those: they cannot be read while a transaction is open." }),
    unreadPartitions: z.int().openapi({ description: "Partitions that nobody reads into this store." }),
    stalledPartitions: z.int().openapi({ description: "Partitions that have records to read, and none come." }),
    lagUntoldForMs: z.int().nullable().openapi({
      description:
        "How long ago a broker last said how far a partition goes, for the partition where that is longest; null: never.",
    }),
    missingTopics: z.array(z.string()).openapi({ description: "Named in the config; the cluster does not have them." }),
    groupRefused: z
      .boolean()
      .openapi({ description: "The consumer group refuses this central, because its members write to another store." }),
    problems: z.array(z.string()).openapi({ description: "Why central is not ready, in words; empty: it is." }),
    kafkaConfigured: z.boolean().openapi({ description: "False: there is no Kafka; all that comes, comes by relay." }),
    kafkaConnected: z.boolean().openapi({ description: "A broker answered something within the last 5 s." }),
    relayOn: z.boolean().openapi({ description: "Edges may bring records by POST /api/v1/relay." }),
    relayed: z.int().openapi({ description: "Records that came so to this process, repeated ones among them." }),
    relayWaitingBytes: z.int().openapi({ description: "Bytes that came so and are not stored yet." }),
    storeAvailable: z.boolean(),
    signed: z.int().openapi({ description: "Records of this process in batches that their agent has signed." }),
    unsigned: z.int().openapi({ description: "… in batches without a signature; 0 while none are looked at." }),
    wronglySigned: z.int().openapi({ description: "… in batches whose signature is not their agent's." }),
    books: z
      .object({
        assigned: z.int(),
        beforeFirst: z.int(),
        stored: z.int(),
        inVehicle: z.int(),
        onTheWay: z.int(),
        shed: z.int(),
        dead: z.int(),
        missing: z.int(),
        difference: z.int(),
      })
      .nullable()
      .openapi({ description: "The sums of /api/v1/books, some seconds old; null: not kept, or not summed up yet." }),
    sinceMs: z.int().openapi({ description: "When this process began, milliseconds since 1970." }),
  })
  .openapi("Status");

const PartitionLag = z
  .object({
    topic: z.string(),
    partition: z.int(),
    reader: z.enum(["self", "sibling", "stranger", "nobody", "unknown"]).openapi({
      description:
        "Who reads the partition. self: this central. sibling: another one on the same store. stranger: a member of the group that writes elsewhere.",
    }),
    generation: z.int().openapi({ description: "How often the topic was found to be another one." }),
    next: z.int().openapi({ description: "Offset of the next record to store." }),
    highWatermark: z
      .int()
      .nullable()
      .openapi({ description: "The offset after the last record that can be read; null: not known yet." }),
    lag: z.int().nullable().openapi({ description: "Offsets that can be read and are not stored." }),
    waiting: z
      .int()
      .nullable()
      .openapi({ description: "Offsets after those, which an open transaction holds back; null: unknown." }),
    untoldForMs: z
      .int()
      .nullable()
      .openapi({ description: "How long ago a broker said how far it goes. After 30 s lag and waiting are unknown." }),
    unread: z.boolean().openapi({ description: "Nobody has read it into this store for 20 s or more." }),
    stalled: z
      .boolean()
      .openapi({ description: "It has records to read, and none have been stored for 30 s or more." }),
    stored: z.int(),
    updatedAtMs: z.int().nullable(),
  })
  .openapi("PartitionLag");

/** All partitions, on the wire. */
export const LagBody = z
  .object({
    partitions: z.array(PartitionLag),
    lag: z.int().nullable(),
    waiting: z.int().nullable(),
    unread: z.int(),
    stalled: z.int(),
    untold: z.int().openapi({ description: "Partitions of which no broker has said for 30 s how far they go." }),
    untoldForMs: z.int().nullable(),
    missingTopics: z.array(z.string()),
    groupRefused: z.boolean(),
    rebalances: z.int(),
  })
  .openapi("Lag");
