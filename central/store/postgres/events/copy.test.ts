import { expect, test } from "bun:test";
import { copyChunks } from "./copy.ts";

const whole = (chunks: Iterable<Uint8Array>) => Buffer.concat([...chunks]);

test("rows in COPY's binary format, as the manual has it", () => {
  const bytes = whole(
    copyChunks([1], (row) => {
      row.row(4);
      row.int4(-2);
      row.int8(null);
      row.bytea(Buffer.from([0, 255]));
      row.bytea(Buffer.alloc(0));
    }),
  );
  expect(bytes.subarray(0, 11).toString("latin1")).toBe("PGCOPY\n\xff\r\n\0");
  expect(bytes.subarray(19).toString("hex")).toBe(
    ["0004", "00000004fffffffe", "ffffffff", "0000000200ff", "00000000", "ffff"].join(""),
  );
});

test.each([0, 1, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1, -62_135_596_800_000, 1_764_000_000_123])(
  "the number %d is the same as a big one's bytes",
  (value) => {
    const bytes = whole(copyChunks([value], (row, one) => row.int8(one)));
    expect(bytes.readBigInt64BE(19 + 4)).toBe(BigInt(value));
  },
);

test("rows of any size: chunks are some megabyte, a value that is larger is whole", () => {
  const values = [10, 3_000_000, 0, 700_000, 700_000, 5].map((size) => Buffer.alloc(size, size));
  const chunks = [...copyChunks(values, (row, value) => row.bytea(value))];
  expect(chunks.length).toBeGreaterThan(2);
  let at = 19;
  const bytes = whole(chunks);
  for (const value of values) {
    expect(bytes.readInt32BE(at)).toBe(value.length);
    expect(bytes.subarray(at + 4, at + 4 + value.length).equals(value)).toBe(true);
    at += 4 + value.length;
  }
  expect(bytes.length).toBe(at + 2);
});
