import { expect, test } from "bun:test";
import { parseMount, parseWrittenBytes, splitDevice } from "./disk.ts";

const diskstats = `   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 254       0 vda 53044 7524 3363482 11606 10459 15740 2864464 3337 0 5108 15202 3419 43 295648 219 1170 40
 254       1 vda1 1 2 3 4 5 6 1000 8 0 10 11 12 13 14 15 16 17
`;

test("written bytes are the device's written sectors of 512 bytes", () => {
  expect(parseWrittenBytes(diskstats, 254, 0)).toBe(2_864_464 * 512);
  expect(parseWrittenBytes(diskstats, 254, 1)).toBe(512_000);
});

test("a device that is not there has no figure", () => {
  expect(parseWrittenBytes(diskstats, 0, 43)).toBeUndefined();
});

test("device numbers are split as the kernel packs them", () => {
  expect(splitDevice(0xfe00n)).toEqual([254, 0]);
  expect(splitDevice((259n << 8n) | 3n | (1n << 20n))).toEqual([259, 259]);
});

test("a mounted device is named with its file system", () => {
  const mountinfo = "22 1 0:5 / /proc rw - proc proc rw\n23 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n";
  expect(parseMount(mountinfo, 254, 0)).toBe("/dev/vda, ext4");
  expect(parseMount(mountinfo, 8, 1)).toBeUndefined();
});
