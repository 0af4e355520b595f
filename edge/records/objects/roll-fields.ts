import { z } from "zod";
import { byteSize } from "../../../shared/config/byte-size.ts";
import { duration } from "../../../shared/config/duration.ts";
import { escapeMistake, isTimeZone } from "../escapes.ts";
import type { Roll } from "./object-destination.ts";

/** Fields of every sink that writes objects: when one is full. Flume's names where it has them. */
export const rollFields = () => ({
  rollSize: byteSize({ min: 0 })
    .prefault("64MiB")
    .meta({ description: "An object is full with this many bytes of bodies; 0: no bound." }),
  rollCount: z.int().min(0).default(0).meta({ description: "An object is full with this many events; 0: no bound." }),
  rollInterval: duration({ min: 0 })
    .prefault("5m")
    .meta({ description: "An object is full this long after its first event; 0: no bound." }),
  idleTimeout: duration({ min: 0 }).prefault("0ms").meta({
    description:
      "An object is full when nothing came for this long; 0: no bound. Give more than 5 s: while its sink is behind, a channel commits only that often.",
  }),
  maxOpenFiles: z.int().min(1).max(1_000).default(10).meta({
    description:
      "Objects of one lane that are written at the same time; when there are more, the events are read again for them.",
  }),
});

/** Fields of names with escapes. */
export const nameFields = () => ({
  timeZone: z
    .string()
    .refine(isTimeZone, { error: "not a time zone that this system knows" })
    .optional()
    .meta({ description: "Time zone of the times in names; UTC when left out." }),
  round: z.boolean().default(false).meta({ description: "Round the times in names down." }),
  roundValue: z.int().min(1).max(60).default(1).meta({ description: "To a multiple of this many units." }),
  roundUnit: z.enum(["second", "minute", "hour"]).default("second").meta({ description: "The unit." }),
});

/** A config field: a name with escapes. */
export function escapedName() {
  return z
    .string()
    .refine((pattern) => escapeMistake(pattern) === undefined, { error: ({ input }) => escapeMistake(String(input)) });
}

interface RollFields {
  readonly rollSize: number;
  readonly rollCount: number;
  readonly rollInterval: number;
  readonly idleTimeout: number;
}

/** What is wrong between the fields; undefined: nothing. */
export function rollMistake({ rollInterval, idleTimeout }: RollFields): string | undefined {
  if (rollInterval > 0 || idleTimeout > 0) return undefined;
  return "give rollInterval or idleTimeout: an object that waits for more events than the channel holds would wait for ever";
}

/** The fields as the ground takes them. */
export function rollOf({ rollSize, rollCount, rollInterval, idleTimeout }: RollFields): Roll {
  return { bytes: rollSize, records: rollCount, intervalMs: rollInterval, idleMs: idleTimeout };
}

/** How times stand in names. */
export function roundOf(fields: {
  readonly round: boolean;
  readonly roundValue: number;
  readonly roundUnit: "second" | "minute" | "hour";
}) {
  return fields.round ? { value: fields.roundValue, unit: fields.roundUnit } : undefined;
}
