import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { httpUrl } from "../../records/http-fields.ts";
import { lineFormatFields } from "../../records/objects/object-format.ts";
import { escapedName, nameFields, rollFields, rollMistake } from "../../records/objects/roll-fields.ts";

/** The sink's config. */
export const configSchema = () =>
  z
    .strictObject({
      bucket: z.string().min(3).max(63).meta({ description: "The bucket; it must be there." }),
      endpoint: httpUrl().optional().meta({ description: "Address of the server; AWS in the region when left out." }),
      region: z.string().min(1).default("us-east-1").meta({ description: "The region of the bucket." }),
      accessKeyId: z.string().min(1).meta({ description: "Who writes." }),
      secretAccessKey: secret().meta({ description: "The secret of that key." }),
      virtualHostedStyle: z.boolean().default(false).meta({ description: "The bucket stands in the host's name." }),
      prefix: escapedName().default("%{stream}/%Y/%m/%d/").meta({
        description:
          "What an object's key begins with: a text with %{header}, %{stream}, %{agent} and the event's time. Agent, lane and numbers follow.",
      }),
      ...lineFormatFields(),
      ...nameFields(),
      ...rollFields(),
      verify: z.boolean().default(true).meta({
        description:
          "After each object it is looked at (HeadObject, which needs s3:GetObject): what a login page or a proxy answers 200 to is not there. false: the answer is believed; for keys that may write and not look.",
      }),
      timeout: duration({ min: 100 })
        .prefault("60s")
        .meta({ description: "How long one request, or a part of a large object, may take." }),
    })
    .superRefine((config, context) => {
      const mistake = rollMistake(config);
      if (mistake !== undefined) context.addIssue({ code: "custom", path: ["rollInterval"], message: mistake });
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
