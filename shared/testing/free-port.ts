import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { systemRandom } from "../random/random.ts";

const lowest = 10_000;
/** `1/3`: of three test processes at the same time this is the second, and takes ports from its own third. */
export const portShareVariable = "TAILGATE_PORT_SHARE";
const given = new Set<number>();

/**
 * A TCP port on loopback that nobody listens on, never the same one twice in a process.
 *
 * It lies below the range from which the kernel takes the local ports of outgoing connections. Otherwise a client that
 * keeps dialling a broker that is down would now and then be given the very port it dials, connect to itself, and keep
 * the broker from coming back.
 *
 * Test processes that run at the same time are given shares of the range (`TAILGATE_PORT_SHARE`): a port that a killed
 * broker is about to take again looks free to all others.
 */
export async function freePort(): Promise<number> {
  const [job = 0, jobs = 1] = (process.env[portShareVariable] ?? "0/1").split("/").map(Number);
  const width = Math.floor((firstEphemeralPort() - lowest) / jobs);
  const first = lowest + job * width;
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = first + Math.floor(systemRandom.next() * width);
    if (given.has(port) || !(await isFreePort(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`find a free port between ${first} and ${first + width}: 200 tries found none`);
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
