import { z } from "zod";
import { clientTls } from "../../../shared/config/client-tls.ts";
import { duration } from "../../../shared/config/duration.ts";
import { secret } from "../../../shared/config/secret.ts";
import { httpUrl } from "../../records/http-fields.ts";
import { escapedName, nameFields, rollFields, rollMistake } from "../../records/objects/roll-fields.ts";

const prefix = () => z.string().regex(/^[^/]*$/, { error: "a part of a name holds no /" });

/** The sink's config. Names are Flume's without `hdfs.`; defaults are ours. */
export const configSchema = () =>
  z
    .strictObject({
      url: z
        .union([httpUrl(), z.array(httpUrl()).min(1)])
        .transform((written) => [written].flat())
        .meta({
          description:
            "Address of WebHDFS on the NameNode, as in http://namenode:9870; several for one that is on standby.",
        }),
      path: escapedName()
        .refine((path) => path.startsWith("/"), { error: "not a path from the root: begin it with /" })
        .meta({ description: "Folder of the files, with %{header}, %{stream}, %{agent} and the event's time." }),
      filePrefix: prefix().default("events").meta({ description: "What a file's name begins with." }),
      fileSuffix: prefix().default("").meta({ description: "What it ends with, after the ending of the format." }),
      inUsePrefix: prefix().default("").meta({ description: "Before the name while the file is written." }),
      inUseSuffix: prefix().default(".tmp").meta({ description: "After the name while the file is written." }),
      fileType: z.enum(["text", "ndjson", "sequence", "avro"]).default("text").meta({
        description:
          "text: the bodies, a line each. ndjson: objects. sequence: a SequenceFile by time. avro: a container of headers and bodies.",
      }),
      writeFormat: z
        .enum(["writable", "text"])
        .default("writable")
        .meta({ description: "For a SequenceFile: values are BytesWritable or Text." }),
      compression: z.enum(["none", "gzip", "zstd"]).default("none").meta({
        description:
          "For lines: gzip members or zstd frames, one after the other. For avro: deflate or zstandard. A SequenceFile has none.",
      }),
      ...nameFields(),
      ...rollFields(),
      user: z.string().min(1).optional().meta({ description: "Whom the files belong to (`user.name`)." }),
      delegation: secret().optional().meta({ description: "A delegation token, in the place of `user`." }),
      tls: clientTls().optional().meta({ description: "For https: whom to trust, and our own certificate." }),
      timeout: duration({ min: 100 })
        .prefault("60s")
        .meta({ description: "How long one request may take until its answer has been read." }),
    })
    .superRefine((config, context) => {
      const roll = rollMistake(config);
      if (roll !== undefined) context.addIssue({ code: "custom", path: ["rollInterval"], message: roll });
      if (config.inUsePrefix === "" && config.inUseSuffix === "") {
        const message = "a file that is written needs a name of its own: give inUsePrefix or inUseSuffix";
        context.addIssue({ code: "custom", path: ["inUseSuffix"], message });
      }
      if (config.fileType === "sequence" && config.compression !== "none") {
        context.addIssue({
          code: "custom",
          path: ["compression"],
          message: "a SequenceFile is written uncompressed here",
        });
      }
    });
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
