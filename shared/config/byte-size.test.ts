import { expect, test } from "bun:test";
import { byteSize, formatByteSize } from "./byte-size.ts";

test.each([
  ["64MiB", 67_108_864],
  ["1GB", 1_000_000_000],
  ["1 GiB", 1_073_741_824],
  ["512kb", 512_000],
  ["1.5KiB", 1_536],
  ["100B", 100],
])("a size written %p is %p bytes", (written, bytes) => {
  expect(byteSize().parse(written)).toBe(bytes);
});

test("a bare number is bytes", () => {
  expect(byteSize().parse(4096)).toBe(4096);
});

test.each(["64", "lots", "", "-1MB", "64 MiBytes"])("a size refuses %p and says how to write one", (written) => {
  const message = byteSize().safeParse(written).error?.issues[0]?.message;
  expect(message).toContain(`"${written}" is not a size`);
  expect(message).toContain('"64MiB"');
});

test("a unit that means two things is refused with both", () => {
  expect(byteSize().safeParse("64m").error?.issues[0]?.message).toBe(
    '"64m" is not a size: its unit can mean two things; write 64MB or 64MiB',
  );
});

test("bounds are shown in the units of a person", () => {
  const field = byteSize({ min: 1024, max: 1024 ** 2 });
  expect(field.safeParse("1B").error?.issues[0]?.message).toBe('"1B" is too small: at least 1 KiB');
  expect(field.safeParse("1GiB").error?.issues[0]?.message).toBe('"1GiB" is too large: at most 1 MiB');
});

test("formatting picks the unit", () => {
  expect(formatByteSize(12)).toBe("12 B");
  expect(formatByteSize(1536)).toBe("1.5 KiB");
  expect(formatByteSize(2 * 1024 ** 3)).toBe("2 GiB");
});
