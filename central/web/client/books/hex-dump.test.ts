import { expect, test } from "bun:test";
import { hexDump } from "./hex-dump.ts";

test("shows offset, bytes and text, and says what it leaves out", () => {
  expect(hexDump(Buffer.from('{"a":1}\u0000\u00ff and more'))).toBe(
    '000000  7b 22 61 22 3a 31 7d 00 c3 bf 20 61 6e 64 20 6d  {"a":1}··· and m\n' +
      "000010  6f 72 65                                         ore",
  );
  expect(hexDump(Buffer.alloc(5_000)).split("\n").at(-1)).toBe("… and 904 bytes more");
  expect(hexDump(new Uint8Array())).toBe("");
});
