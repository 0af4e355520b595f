/**
 * systemd's notification protocol (sd_notify(3)): lines of text in one datagram to the unix socket that NOTIFY_SOCKET
 * names. Bun has no unix datagram sockets, so libc is called; where that fails, the `systemd-notify` program is run
 * (the unit says NotifyAccess=all for its sake). Without NOTIFY_SOCKET nothing is done at all.
 */
import { ptr } from "bun:ffi";
import { messageOf } from "../errors/app-error.ts";
import { openLibc } from "./libc.ts";

/** The environment, as `process.env` has it. */
type Environment = Readonly<Record<string, string | undefined>>;

/** What is told. */
export type Notify = (state: "READY=1" | "STOPPING=1" | "WATCHDOG=1" | `RELOADING=1\nMONOTONIC_USEC=${number}`) => void;

/** The way to the service manager; undefined when none started us. `say`: told once when libc cannot be called. */
export function serviceManager(environment: Environment, say: (line: string) => void): Notify | undefined {
  const socket = environment.NOTIFY_SOCKET;
  if (socket === undefined || socket === "") return undefined;
  const send = datagramSender(socket, say);
  return (state) => {
    if (send?.(state) !== true) runSystemdNotify(state);
  };
}

/** How often the watchdog wants to hear from us: half of its time. Undefined: it does not. */
export function watchdogEveryMs(environment: Environment): number | undefined {
  const microseconds = Number(environment.WATCHDOG_USEC);
  const forUs = environment.WATCHDOG_PID === undefined || environment.WATCHDOG_PID === String(process.pid);
  return forUs && Number.isFinite(microseconds) && microseconds > 0 ? microseconds / 2_000 : undefined;
}

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_NOSIGNAL_DONTWAIT = 0x4000 | 0x40;

/** Sends one datagram; false when it was not taken. Undefined when libc cannot be called here. */
function datagramSender(socket: string, say: (line: string) => void): ((text: string) => boolean) | undefined {
  const libc = openSockets(say);
  if (libc === undefined) return undefined;
  const address = socketAddress(socket);
  return (text) => {
    const descriptor = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const bytes = Buffer.from(text);
    const sent = libc.sendto(descriptor, ptr(bytes), bytes.length, MSG_NOSIGNAL_DONTWAIT, ptr(address), address.length);
    libc.close(descriptor);
    return Number(sent) === bytes.length;
  };
}

/** sockaddr_un (unix(7)): the family, then the path; `@` stands for the NUL of an abstract name. */
function socketAddress(socket: string): Buffer {
  const path = Buffer.from(socket);
  if (path[0] === 0x40) path[0] = 0;
  const address = Buffer.alloc(2 + path.length + (path[0] === 0 ? 0 : 1));
  address.writeUInt16LE(AF_UNIX, 0);
  path.copy(address, 2);
  return address;
}

function libcSockets() {
  return openLibc({
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  }).symbols;
}

/** Said once: a unit of Type=notify that nobody tells is ended by its manager, who cannot say why. */
function openSockets(say: (line: string) => void): ReturnType<typeof libcSockets> | undefined {
  try {
    return libcSockets();
  } catch (thrown) {
    const instead =
      Bun.which("systemd-notify") === null ? "nothing tells the service manager" : "systemd-notify is run";
    say(`${messageOf(thrown)}; ${instead}`);
    return undefined;
  }
}

function runSystemdNotify(state: string): void {
  const program = Bun.which("systemd-notify");
  if (program === null) return;
  Bun.spawn([program, ...state.split("\n")], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
}
