/**
 * A read-only Iceberg REST catalog: what DuckDB, PyIceberg, Spark, Trino and Flink ask for to read a table by URL. One namespace, one
 * table. The files themselves they read by their paths.
 */
import { createRoute, z } from "@hono/zod-openapi";
import { namespaceName, tableName } from "../../lake/table-name.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problemsWithNotFound } from "../errors.ts";
import { lakeOf } from "../supported.ts";

const problems = problemsWithNotFound;
const named = z.object({ namespace: z.string().max(256) });
const namedTable = named.extend({ table: z.string().max(256) });

/** As the Iceberg REST specification has it, which its clients read in place of our problems. */
const NoSuch = z
  .object({ error: z.object({ message: z.string(), type: z.string(), code: z.int() }) })
  .openapi("IcebergError");
const notFound = { 404: { description: "No such thing.", content: { "application/json": { schema: NoSuch } } } };

function answer<Schema extends z.ZodType>(description: string, schema: Schema) {
  return { 200: { description, content: { "application/json": { schema } } } };
}

const strings = z.record(z.string(), z.string());

const getConfig = createRoute({
  method: "get",
  operationId: "icebergConfig",
  ...withScope("read"),
  path: "/iceberg/v1/config",
  summary: "Iceberg REST catalog: its settings",
  request: { query: z.object({ warehouse: z.string().max(1_024).optional() }) },
  responses: {
    ...answer("The settings.", z.object({ defaults: strings, overrides: strings, endpoints: z.array(z.string()) })),
    ...problems,
  },
});

const listNamespaces = createRoute({
  method: "get",
  operationId: "icebergNamespaces",
  ...withScope("read"),
  path: "/iceberg/v1/namespaces",
  summary: "Iceberg REST catalog: its one namespace",
  request: {
    query: z.object({
      parent: z.string().max(1_024).optional(),
      pageToken: z.string().max(1_024).optional(),
      pageSize: z.string().max(16).optional(),
    }),
  },
  responses: {
    ...answer("All of them.", z.object({ namespaces: z.array(z.array(z.string())) })),
    ...problems,
  },
});

const getNamespace = createRoute({
  method: "get",
  operationId: "icebergNamespace",
  ...withScope("read"),
  path: "/iceberg/v1/namespaces/{namespace}",
  summary: "Iceberg REST catalog: a namespace",
  request: { params: named },
  responses: {
    ...answer("It is there.", z.object({ namespace: z.array(z.string()), properties: strings })),
    ...problems,
    ...notFound,
  },
});

const listTables = createRoute({
  method: "get",
  operationId: "icebergTables",
  ...withScope("read"),
  path: "/iceberg/v1/namespaces/{namespace}/tables",
  summary: "Iceberg REST catalog: the tables of a namespace",
  request: {
    params: named,
    query: z.object({ pageToken: z.string().max(1_024).optional(), pageSize: z.string().max(16).optional() }),
  },
  responses: {
    ...answer(
      "All of them.",
      z.object({ identifiers: z.array(z.object({ namespace: z.array(z.string()), name: z.string() })) }),
    ),
    ...problems,
    ...notFound,
  },
});

const loadTable = createRoute({
  method: "get",
  operationId: "icebergTable",
  ...withScope("read"),
  path: "/iceberg/v1/namespaces/{namespace}/tables/{table}",
  summary: "Iceberg REST catalog: the table's metadata, as its last commit left it",
  request: {
    params: namedTable,
    query: z.object({
      snapshots: z.enum(["all", "refs"]).optional().openapi({ description: "All are given in any case." }),
    }),
  },
  responses: {
    ...answer(
      "The table.",
      z
        .object({
          "metadata-location": z.string(),
          metadata: z.record(z.string(), z.unknown()).openapi({ description: "Iceberg's table metadata, version 2." }),
          config: strings,
        })
        .openapi("IcebergTable"),
    ),
    ...problems,
    ...notFound,
  },
});

const endpoints = [listNamespaces, getNamespace, listTables, loadTable].map(
  ({ path }) => `GET ${path.replace("/iceberg/v1", "/v1/{prefix}")}`,
);

const missing = (what: string, type: string) => ({ error: { message: `there is no ${what}`, type, code: 404 } });

/** GET /iceberg/v1/config, /namespaces, /namespaces/{namespace}, /namespaces/{namespace}/tables, …/tables/{table} */
export function iceberg(dependencies: ApiDependencies) {
  const noNamespace = (name: string) => missing(`namespace ${name}`, "NoSuchNamespaceException");
  return resource()
    .openapi(getConfig, (context) => {
      lakeOf(dependencies);
      return context.json({ defaults: {}, overrides: {}, endpoints }, 200);
    })
    .openapi(listNamespaces, (context) => {
      lakeOf(dependencies);
      const { parent } = context.req.valid("query");
      return context.json({ namespaces: parent === undefined ? [[namespaceName]] : [] }, 200);
    })
    .openapi(getNamespace, (context) => {
      lakeOf(dependencies);
      const { namespace } = context.req.valid("param");
      if (namespace !== namespaceName) return context.json(noNamespace(namespace), 404);
      return context.json({ namespace: [namespace], properties: {} }, 200);
    })
    .openapi(listTables, (context) => {
      const { namespace } = context.req.valid("param");
      const isThere = lakeOf(dependencies).catalog.table() !== undefined;
      if (namespace !== namespaceName) return context.json(noNamespace(namespace), 404);
      return context.json({ identifiers: isThere ? [{ namespace: [namespace], name: tableName }] : [] }, 200);
    })
    .openapi(loadTable, (context) => {
      const { namespace, table: name } = context.req.valid("param");
      const table = lakeOf(dependencies).catalog.table();
      if (namespace !== namespaceName || name !== tableName || table === undefined) {
        return context.json(missing(`table ${namespace}.${name}`, "NoSuchTableException"), 404);
      }
      const { location, metadata } = table;
      return context.json({ "metadata-location": location, metadata, config: {} }, 200);
    });
}
