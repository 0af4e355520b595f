import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { seededRandom } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { rowAt } from "../testing/rows.ts";
import { parquetOf, readParquet } from "./parquet.ts";

test("rows come back as they were: any bytes, any name, times of all centuries, nothing at all", async () => {
  using dir = tempDir();
  const random = seededRandom(3);
  const rows = Array.from({ length: 3_000 }, (_, offset) => {
    const bytes = Buffer.from(
      Array.from({ length: Math.floor(random.next() * 40) }, () => Math.floor(random.next() * 256)),
    );
    const body = offset % 11 === 0 ? null : bytes;
    const bare = { agent: null, epoch: null, lane: null, seq: null, body };
    const name = offset % 3 === 0 ? `fahrzeug-ü-😀-${offset}` : `0x${bytes.toString("hex")}`;
    const eventMs = Math.floor((random.next() - 0.3) * 2e14);
    return rowAt(offset, { ...(offset % 5 === 0 ? bare : { body, seq: 2 ** 48 - offset }), vehicle: name, eventMs });
  });
  writeFileSync(dir.file("x.parquet"), parquetOf(rows));
  const found = await readParquet(dir.file("x.parquet"));
  const plain = (row: (typeof rows)[number]) => ({ ...row, body: row.body && Buffer.from(row.body).toString("hex") });
  expect(found.map(plain)).toEqual(rows.map(plain));
});
