import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { systemRandom } from "../random/random.ts";

const lowest = 10_000;
const given = new Set<number>();

/**
 * A TCP port on loopback that nobody listens on, never the same one twice in a process.
 *
 * It lies below the range from which the kernel takes the local ports of outgoing connections. Otherwise a client that
 * keeps dialling a broker that is down would now and then be given the very port it dials, connect to itself, and keep
 * the broker from coming back.
 */
export async function freePort(): Promise<number> {
  const highest = firstEphemeralPort() - 1;
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(systemRandom.next() * (highest - lowest));
    if (given.has(port) || !(await isFreePort(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`find a free port between ${lowest} and ${highest}: 200 tries found none`);
}

function firstEphemeralPort(): number {
  const [first] = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/);
  return Math.max(Number(first), lowest + 1000);
}

/** Whether nobody listens on a port of loopback now. */
export function isFreePort(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)));
  });
}
