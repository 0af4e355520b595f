import { z } from "zod";
import { withoutField } from "../../shared/json/edit-field.ts";
import { splitPath } from "../../shared/json/json-field.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

const configSchema = () =>
  z.strictObject({
    fields: z
      .array(z.string().refine((path) => splitPath(path).every((name) => name !== ""), { error: "an empty name" }))
      .min(1)
      .meta({ description: "Paths of fields: `driver`, `position.latitude`." }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

export default defineInterceptor({
  type: "drop_fields",
  summary:
    "Takes fields out of JSON lines and leaves every other byte as it is. Lines that are no JSON, or lack the field, stay.",
  stability: "experimental",
  config: configSchema,
  example: { fields: ["driver.name", "phone"] },
  create: (config) => new DropFields(config),
});

class DropFields implements Interceptor {
  private readonly paths: readonly (readonly string[])[];

  constructor({ fields }: Config) {
    this.paths = fields.map(splitPath);
  }

  intercept(view: EventView): boolean {
    const before = view.text();
    let text = before;
    for (const names of this.paths) text = withoutField(text, names);
    if (text !== before) view.setBody(Buffer.from(text));
    return true;
  }
}
