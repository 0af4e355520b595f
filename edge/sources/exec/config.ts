import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { lineFields } from "../../core/line-fields.ts";

/** Config of the exec source. */
export const configSchema = () => {
  const { lineBytesMax, skipEmptyLines, stripCarriageReturn } = lineFields;
  return z.strictObject({
    command: z
      .union([z.string().min(1), z.array(z.string()).min(1)], { error: "write a command, or a list of its words" })
      .meta({
        description:
          "What is run, and whose lines on standard output are events. A text is divided at blanks, without quotes, as Flume does; with `shell` it is one word for the shell.",
      }),
    shell: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'The shell that runs the command, as in "/bin/sh -c"; none when left out.' }),
    restart: z.boolean().default(false).meta({
      description: "Run the command again when it ends. Without it, nothing more is read until the agent starts again.",
    }),
    restartThrottle: duration()
      .prefault("10s")
      .meta({ description: "How long to wait before the command is run again." }),
    logStderr: z.boolean().default(false).meta({
      description: "true: its standard error goes to the log, a line a second at most. false: it is thrown away.",
    }),
    lineBytesMax,
    skipEmptyLines,
    stripCarriageReturn,
  });
};
/** A valid config, with its defaults. */
export type Config = z.output<ReturnType<typeof configSchema>>;
