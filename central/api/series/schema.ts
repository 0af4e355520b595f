import { z } from "@hono/zod-openapi";

const Bucket = z.object({
  fromMs: z.int().openapi({ description: "Its beginning; it ends `bucketMs` later." }),
  count: z.int().openapi({ description: "Numbers in it." }),
  min: z.number(),
  max: z.number(),
  avg: z.number(),
  last: z.number().openapi({ description: "The one with the latest time." }),
});

/** Buckets on the wire, and what of the events was no number. */
export const Series = z
  .object({
    bucketMs: z.int(),
    buckets: z.array(Bucket),
    numbers: z.int().openapi({ description: "Events that had a number there." }),
    absent: z.int().openapi({ description: "JSON, without the field." }),
    notNumbers: z.int().openapi({ description: "The field is something else: a text, true, null, an object." }),
    notJson: z.int().openapi({ description: "The value is no JSON." }),
    next: z.int().optional().openapi({ description: "There are more events: the `from` of the next question." }),
  })
  .openapi("Series");
