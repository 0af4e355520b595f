import { dlopen, ptr } from "bun:ffi";
import { expect, test } from "bun:test";
import { tempDir } from "../testing/temp-dir.ts";
import { serviceManager, watchdogEveryMs } from "./sd-notify.ts";

/** A datagram socket that receives what a service manager would. */
function listener(path: string) {
  const { symbols: libc } = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
    recv: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  const address = Buffer.concat([Buffer.from([1, 0]), name, Buffer.alloc(name[0] === 0 ? 0 : 1)]);
  const descriptor = libc.socket(1, 2, 0);
  expect(libc.bind(descriptor, ptr(address), address.length)).toBe(0);
  return {
    receive(): string {
      const buffer = Buffer.alloc(256);
      const length = Number(libc.recv(descriptor, ptr(buffer), buffer.length, 0x40));
      return length < 0 ? "nothing" : buffer.toString("utf8", 0, length);
    },
    [Symbol.dispose]: () => void libc.close(descriptor),
  };
}

test("states arrive at the socket that NOTIFY_SOCKET names, by path and by abstract name", () => {
  using dir = tempDir();
  for (const path of [dir.file("notify"), `@tailgate-test-${process.pid}`]) {
    using socket = listener(path);
    const tell = serviceManager({ NOTIFY_SOCKET: path }, () => {});
    tell?.("READY=1");
    tell?.("RELOADING=1\nMONOTONIC_USEC=5");
    expect([socket.receive(), socket.receive(), socket.receive()]).toEqual([
      "READY=1",
      "RELOADING=1\nMONOTONIC_USEC=5",
      "nothing",
    ]);
  }
});

test("without a service manager nothing is told", () => {
  expect(serviceManager({}, () => {})).toBeUndefined();
});

test("a service manager that went away is no error", () => {
  expect(() => serviceManager({ NOTIFY_SOCKET: "/nonexistent/notify" }, () => {})?.("WATCHDOG=1")).not.toThrow();
});

test("the watchdog is told in half of its time, and only by the process it watches", () => {
  expect(watchdogEveryMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: String(process.pid) })).toBe(30_000);
  expect(watchdogEveryMs({ WATCHDOG_USEC: "60000000", WATCHDOG_PID: "1" })).toBeUndefined();
  expect(watchdogEveryMs({})).toBeUndefined();
});
