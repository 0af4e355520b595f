import { z } from "@hono/zod-openapi";
import type { RedriveJob } from "../../store/redrive-port.ts";
import { choiceFields, RedriveBody } from "../dead-letters/schema.ts";

/** Which dead letters a job tries again. */
export const RedriveOrder = z
  .strictObject({ ...choiceFields, all: z.literal(true).optional() })
  .refine(({ all, ...choice }) => all === true || Object.values(choice).some((each) => each !== undefined), {
    message: "name some by topic, reason or vehicle, or say all",
  })
  .openapi("RedriveOrder");

/** A job on the wire. */
export const Redrive = z
  .object({
    id: z.int(),
    state: z.enum(["running", "done", "cancelled"]),
    choice: z.object(choiceFields),
    askedBy: z.string().openapi({ description: "Name of the key." }),
    askedAtMs: z.int(),
    changedAtMs: z.int(),
    endedAtMs: z.int().optional(),
    progress: z.object({
      letters: z.int().openapi({ description: "Chosen when it began. What is put aside later is none of them." }),
      fraction: z.number(),
    }),
    counts: RedriveBody,
  })
  .openapi("Redrive");

/** As it goes over the wire. */
export function redriveBody(job: RedriveJob): z.infer<typeof Redrive> {
  const { afterId: _, untilId: __, letters, endedAtMs, choice, counts, ...rest } = job;
  // Some may be gone by another way before it comes to them.
  const fraction = job.state === "done" || letters === 0 ? 1 : Math.min(1, counts.tried / letters);
  return {
    ...rest,
    choice: { ...choice },
    progress: { letters, fraction: job.state === "running" && letters === 0 ? 0 : fraction },
    counts: { ...counts },
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
  };
}
