import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { dateOf } from "../../lake/bucket.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { Cursors, isName, isNumbers } from "../cursor.ts";
import { problemsWithNotFound } from "../errors.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { lakeOf } from "../supported.ts";
import { snapshotBody } from "./body.ts";
import { LakeFile, LakeSnapshotRow, LakeStatus } from "./schema.ts";

const getLake = createRoute({
  method: "get",
  operationId: "getLake",
  ...withScope("read"),
  path: "/api/v1/lake",
  summary: "How far the lake is, how large, and what it waits for",
  responses: {
    200: { description: "Now.", content: { "application/json": { schema: LakeStatus } } },
    ...problemsWithNotFound,
  },
});

const listSnapshots = createRoute({
  method: "get",
  operationId: "listLakeSnapshots",
  ...withScope("read"),
  path: "/api/v1/lake/snapshots",
  summary: "States of the lake's table that can be read, the newest first",
  request: { query: z.object({ limit: limitParameter(100, 1_000), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ snapshots: z.array(LakeSnapshotRow), next: z.string().optional() }) },
      },
    },
    ...problemsWithNotFound,
  },
});

const listFiles = createRoute({
  method: "get",
  operationId: "listLakeFiles",
  ...withScope("read"),
  path: "/api/v1/lake/files",
  summary: "The Parquet files of a state of the lake's table, in the order of their paths",
  request: {
    query: z.object({
      snapshot: z
        .string()
        .regex(/^\d{1,16}$/)
        .transform(Number)
        .optional()
        .openapi({ type: "integer", description: "Id of a snapshot; the current one when not given." }),
      limit: limitParameter(100, 1_000),
      cursor: cursorParameter,
    }),
  },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ files: z.array(LakeFile), next: z.string().optional() }) },
      },
    },
    ...problemsWithNotFound,
  },
});

/** GET /api/v1/lake, GET /api/v1/lake/snapshots, GET /api/v1/lake/files */
export function lake(dependencies: ApiDependencies) {
  return resource()
    .openapi(getLake, (context) => {
      const { catalog, snapshot } = lakeOf(dependencies);
      const {
        trouble,
        code,
        hint,
        lag,
        lastCommitMs,
        commits: _,
        committedRows: __,
        failures: ___,
        ...same
      } = snapshot();
      const table = catalog.table()?.metadata.location ?? null;
      const words = { trouble: trouble ?? null, code: code ?? null, hint: hint ?? null };
      return context.json({ table, ...same, ...words, lag: lag ?? null, lastCommitMs: lastCommitMs ?? null }, 200);
    })
    .openapi(listSnapshots, (context) => {
      const { limit, cursor } = context.req.valid("query");
      const cursors = new Cursors("lake-snapshots", [], isNumbers(1));
      const [before] = cursors.read(cursor) ?? [Number.MAX_SAFE_INTEGER];
      const all = lakeOf(dependencies).catalog.table()?.metadata.snapshots ?? [];
      const found = all.filter((one) => one["sequence-number"] < before).toReversed();
      const snapshots = found.slice(0, limit).map(snapshotBody);
      const last = snapshots.at(-1);
      if (found.length <= limit || last === undefined) return context.json({ snapshots }, 200);
      return context.json({ snapshots, next: cursors.write([last.sequence]) }, 200);
    })
    .openapi(listFiles, (context) => {
      const { limit, cursor, snapshot } = context.req.valid("query");
      const cursors = new Cursors("lake-files", [snapshot ?? null], isName);
      const [after] = cursors.read(cursor) ?? [""];
      const all = lakeOf(dependencies).catalog.dataFiles(snapshot);
      if (all === undefined)
        throw new AppError(codes.CENTRAL_NOT_FOUND, `list files of snapshot ${snapshot}: it is gone`);
      const found = all.filter(({ path }) => path > after);
      const files = found.slice(0, limit).map(({ path, stream, day, bucket, rows, bytes, addedBy }) => {
        return { path, stream, date: dateOf(day), bucket, rows, bytes, snapshot: addedBy };
      });
      const last = files.at(-1);
      if (found.length <= limit || last === undefined) return context.json({ files }, 200);
      return context.json({ files, next: cursors.write([last.path]) }, 200);
    });
}
