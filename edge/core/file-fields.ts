import { z } from "zod";
import { path } from "../../shared/config/path.ts";
import type { FollowLinks } from "../../shared/files/links.ts";
import type { OpenRules } from "../../shared/files/open-regular.ts";
import { OwnFiles } from "../../shared/files/own-files.ts";
import { realOf } from "../../shared/files/real-path.ts";
import type { SourceContext } from "./context.ts";

/** Config fields of components that read files in folders that others can write. */
export const fileFields = {
  followSymlinks: z
    .union([z.boolean(), z.array(path())])
    .default([])
    .meta({
      description:
        "Links to follow. Those of root and of the agent's own user are followed, others only to targets below their own folder and below the folders named here. `true`: all links; `false`: none.",
    }),
  owners: z
    .array(z.int().nonnegative())
    .min(1)
    .optional()
    .meta({ description: "Numbers of the users whose files are read; unset: everybody's." }),
  hardLinks: z.boolean().default(true).meta({
    description: "Whether files that have several names are read. `false` keeps out files of other folders.",
  }),
} as const;

/** What the fields say once they are read. */
interface FileFields {
  readonly followSymlinks: boolean | readonly string[];
  readonly owners?: readonly number[] | undefined;
  readonly hardLinks: boolean;
}

/** How a component opens files: which links it follows, and which files it takes. */
export interface FileAccess {
  readonly follow: FollowLinks;
  readonly rules: OpenRules;
}

/** The access that a config grants. Never to the agent's own files. */
export function fileAccess(fields: FileFields, context: Pick<SourceContext, "dataDir" | "ownFiles">): FileAccess {
  const { followSymlinks, owners, hardLinks } = fields;
  const follow = typeof followSymlinks === "boolean" ? followSymlinks : followSymlinks.map(realOf);
  return { follow, rules: { owners, hardLinks, keepOut: new OwnFiles(context.dataDir, () => context.ownFiles()) } };
}
