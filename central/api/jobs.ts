/** What routes of jobs (replays, redrives) have in common: they are numbered from 1, and the newest is looked at first. */
import { z } from "@hono/zod-openapi";
import { Cursors, isNumbers } from "./cursor.ts";

/** The number of a job in the path. */
export const jobParams = z.object({
  id: z
    .string()
    .regex(/^\d{1,15}$/, "a number")
    .transform(Number)
    .openapi({ type: "integer" }),
});

/** A page of them, and where the next one begins. */
export interface JobPage<Job> {
  readonly jobs: readonly Job[];
  /** Nothing, or `next`. */
  readonly more: { readonly next?: string };
}

/**
 * Reads a page. `route`: whose cursor it is. `read`: the newest before a number, or of all, at most so many.
 *
 * @throws AppError `CENTRAL_BAD_REQUEST` for a cursor of another list.
 */
export async function pageOfJobs<Job extends { readonly id: number }>(
  route: string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  read: (beforeId: number | undefined, limit: number) => Promise<readonly Job[]>,
): Promise<JobPage<Job>> {
  const cursors = new Cursors(route, [], isNumbers(1));
  const [beforeId] = cursors.read(cursor) ?? [undefined];
  const found = await read(beforeId, limit + 1);
  const jobs = found.slice(0, limit);
  const last = jobs.at(-1);
  return { jobs, more: found.length <= limit || last === undefined ? {} : { next: cursors.write([last.id]) } };
}
