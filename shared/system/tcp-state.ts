/** What the kernel says of a TCP connection of this process's network (proc(5), net/tcp and net/tcp6). */
import { readFile } from "node:fs/promises";
import { isIPv4, isIPv6 } from "node:net";

/** One end of a connection. */
export interface TcpEnd {
  readonly address: string;
  readonly port: number;
}

/** Neither side was ended. */
export const ESTABLISHED = 1;
/** Our side was ended first, and everything that we sent, the end included, was acknowledged; so was theirs by us. */
export const TIME_WAIT = 6;
/** The other side was ended, ours was not. */
export const CLOSE_WAIT = 8;

/** What the kernel has of a connection. */
export interface TcpState {
  /** A number of the kernel's. */
  readonly state: number;
  /** Of what was written, what the other side's kernel has not acknowledged. */
  readonly unacknowledgedBytes: number;
}

/** @returns undefined when the kernel has no such connection, or it is not known. */
export async function tcpState(local: TcpEnd, remote: TcpEnd): Promise<TcpState | undefined> {
  const [own, other] = [endText(local), endText(remote)];
  if (own === undefined || other === undefined) return undefined;
  const table = await readFile(isIPv4(local.address) ? "/proc/self/net/tcp" : "/proc/self/net/tcp6", "latin1");
  const at = table.indexOf(`: ${own} ${other} `);
  if (at < 0) return undefined;
  const [state = "", queues = ""] = table.slice(at + own.length + other.length + 4).split(" ", 2);
  return { state: Number.parseInt(state, 16), unacknowledgedBytes: Number.parseInt(queues, 16) };
}

/** Words of 32 bits as this machine has them in memory (little-endian, like all that are built for), then the port. */
function endText({ address, port }: TcpEnd): string | undefined {
  const bytes = bytesOf(address);
  if (bytes === undefined) return undefined;
  let text = "";
  for (let word = 0; word < bytes.length; word += 4) text += bytes.readUInt32LE(word).toString(16).padStart(8, "0");
  return `${text}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
}

function bytesOf(address: string): Buffer | undefined {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const plain = address.split("%")[0] ?? "";
  if (!isIPv6(plain)) return undefined;
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(plain);
  const tail = mapped === null ? [] : [...Buffer.from((mapped[2] ?? "").split(".").map(Number))];
  const [front = "", back] = (mapped?.[1]?.replace(/([^:]):$/, "$1") ?? plain).split("::");
  const words = (text: string) =>
    text === "" ? [] : text.split(":").flatMap((each) => pair(Number.parseInt(each, 16)));
  const before = words(front);
  const after = [...(back === undefined ? [] : words(back)), ...tail];
  return Buffer.from([...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after]);
}

function pair(word: number): readonly number[] {
  return [word >> 8, word & 255];
}
