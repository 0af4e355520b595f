import { describe, expect, test } from "bun:test";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { LakeCatalog } from "../../lake/catalog.ts";
import { noLake } from "../../lake/snapshot.ts";
import { append, openTable, rowsFrom } from "../../lake/testing/rows.ts";
import { TestApi } from "../../testing/api.ts";

interface Page {
  readonly files?: readonly { readonly path: string; readonly date: string; readonly rows: number }[];
  readonly snapshots?: readonly { readonly id: number; readonly rows: number; readonly offsets: object }[];
  readonly next?: string;
}

function ground() {
  const dir = tempDir("tailgate-lake-");
  const snapshot = { ...noLake, state: "writing" as const, lag: 7 };
  const api = new TestApi({ lake: { catalog: new LakeCatalog({ directory: dir.path }), snapshot: () => snapshot } });
  return {
    api,
    folder: dir.file("events"),
    page: async (path: string): Promise<Page> => (await (await api.request(path)).json()) as Page,
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

describe("the lake's routes", () => {
  test("without a lake they say so", async () => {
    await using api = new TestApi();
    for (const path of ["/api/v1/lake", "/api/v1/lake/files", "/iceberg/v1/config", "/iceberg/v1/namespaces"]) {
      expect(await api.get(path)).toMatchObject({ status: 404, code: "CENTRAL_LAKE_OFF" });
    }
  });

  test("before the first commit there is nothing, and that is no error", async () => {
    await using on = ground();
    expect(await on.api.get("/api/v1/lake")).toMatchObject({ table: null, state: "writing", trouble: null, lag: 7 });
    expect(await on.page("/api/v1/lake/snapshots")).toEqual({ snapshots: [] });
    expect(await on.page("/api/v1/lake/files")).toEqual({ files: [] });
    expect(await on.page("/iceberg/v1/namespaces/tailgate/tables")).toEqual({ identifiers: [] } as Page);
  });

  test("snapshots and files come in pages, of an earlier snapshot too", async () => {
    await using on = ground();
    const table = openTable(on.folder);
    for (let step = 0; step < 3; step++) append(table, rowsFrom(step * 100, 100));
    const first = await on.page("/api/v1/lake/snapshots?limit=2");
    const second = await on.page(`/api/v1/lake/snapshots?limit=2&cursor=${first.next}`);
    const all = [...(first.snapshots ?? []), ...(second.snapshots ?? [])];
    expect(all.map(({ rows }) => rows)).toEqual([300, 200, 100]);
    expect(all[0]?.offsets).toEqual({ drive: { "0": 300 } });
    expect(second.next).toBeUndefined();
    const files: string[] = [];
    for (let next: string | undefined = ""; next !== undefined; ) {
      const page: Page = await on.page(`/api/v1/lake/files?limit=5${next === "" ? "" : `&cursor=${next}`}`);
      files.push(...(page.files ?? []).map(({ path }) => path));
      next = page.next;
    }
    expect(files).toEqual(
      table
        .dataFiles()
        .map(({ path }) => path)
        .sort(),
    );
    const old = await on.page(`/api/v1/lake/files?snapshot=${all[2]?.id}`);
    expect(old.files?.reduce((sum, { rows }) => sum + rows, 0)).toBe(100);
    expect((await on.api.request("/api/v1/lake/files?snapshot=1")).status).toBe(404);
    expect((await on.api.request("/api/v1/lake/files?snapshot=x")).status).toBe(400);
  });

  test("the catalog knows one namespace and one table, and answers as Iceberg's clients want", async () => {
    await using on = ground();
    const table = openTable(on.folder);
    append(table, rowsFrom(0, 10));
    const metadata = JSON.parse(JSON.stringify(table.metadata));
    expect(await on.api.get("/iceberg/v1/namespaces")).toEqual({ namespaces: [["tailgate"]] });
    expect(await on.api.get("/iceberg/v1/namespaces/tailgate/tables/events")).toEqual({
      "metadata-location": `file://${on.folder}/metadata/v2.metadata.json`,
      metadata,
      config: {},
    });
    const missing = await on.api.request("/iceberg/v1/namespaces/tailgate/tables/other");
    expect([missing.status, await missing.json()]).toEqual([
      404,
      { error: { message: "there is no table tailgate.other", type: "NoSuchTableException", code: 404 } },
    ]);
    expect((await on.api.request("/iceberg/v1/namespaces/other")).status).toBe(404);
    expect((await on.api.request("/iceberg/v1/namespaces/tailgate", {}, "DELETE")).status).toBe(405);
  });
});
