import { z } from "zod";
import { crc32c } from "../../shared/kafka/record-batch/crc32c.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    rate: z.number().int().min(2).meta({ description: "One of this many is kept." }),
    by: z.enum(["content", "key", "count"]).default("content").meta({
      description:
        "`content`: a hash of the event decides, so an event that is read again after a crash is decided the same way; `key`: a hash of the key decides, so of one vehicle all events are kept or none; `count`: of each `rate` events the first is kept, counted from the start of the process.",
    }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineInterceptor({
  type: "sample",
  summary: "Keeps one of `rate` events; the others are counted as filtered.",
  stability: "experimental",
  config: configSchema,
  example: { rate: 10, by: "key" },
  create: (config) => new Sample(config),
});

class Sample implements Interceptor {
  private count = 0;

  constructor(private readonly config: Config) {}

  intercept(view: EventView): boolean {
    const { rate, by } = this.config;
    switch (by) {
      case "content":
        return crc32c(view.buffer.subarray(view.start, view.end)) % rate === 0;
      case "key":
        return crc32c(Buffer.from(view.key ?? "")) % rate === 0;
      case "count":
        return this.count++ % rate === 0;
    }
  }
}
