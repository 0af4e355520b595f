import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { deliveriesMax } from "../../store/rules-port.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { problems } from "../errors.ts";
import { RuleInfo, ruleBody } from "./schema.ts";

const get = createRoute({
  method: "get",
  operationId: "getRules",
  ...withScope("read"),
  path: "/api/v1/rules",
  summary: "The rules over events, what each has counted, and how many changes of alerts wait to be delivered",
  responses: {
    200: {
      description: "All of them. Without a rules file there are none.",
      content: {
        "application/json": {
          schema: z.object({
            file: z.string().optional(),
            vehicles: z.int().openapi({ description: "Whose state is kept." }),
            vehiclesMax: z.int(),
            vehiclesDropped: z.int().openapi({ description: "Forgotten because there were too many." }),
            undelivered: z.int().openapi({ description: "Changes of alerts that wait for the webhook or the topic." }),
            undeliveredMax: z.int(),
            dropped: z.int().openapi({ description: "Of these, given up because too many waited." }),
            delivered: z.int(),
            deliveryFailures: z.int().openapi({ description: "Tries that failed; each is tried again." }),
            withdrawn: z.int().openapi({
              description: "Alerts that fired when central started without a rules file: they were resolved.",
            }),
            rules: z.array(RuleInfo),
          }),
        },
      },
    },
    ...problems,
  },
});

/** GET /api/v1/rules */
export function rules({ reader, rules: { set, snapshot } }: ApiDependencies) {
  return resource().openapi(get, async (context) => {
    if (reader.rules === undefined) throw new AppError(codes.CENTRAL_NOT_IN_THIS_STORE, "show rules");
    const sums = await reader.rules.sums();
    const { counts, vehiclesDropped, deliveriesDropped: dropped, delivered, deliveryFailures, withdrawn } = snapshot();
    const body = {
      ...(set === undefined ? {} : { file: set.file }),
      vehicles: sums.vehicles,
      vehiclesMax: set?.vehiclesMax ?? 0,
      vehiclesDropped,
      undelivered: sums.undelivered,
      undeliveredMax: deliveriesMax,
      dropped,
      delivered,
      deliveryFailures,
      withdrawn,
      rules: (set?.rules ?? []).map((rule) => ruleBody(rule, counts[rule.name], sums)),
    };
    return context.json(body, 200);
  });
}
