/**
 * Datagrams that the kernel threw away for a socket, because its receive buffer was full: the last column of /proc/net/udp and
 * /proc/net/udp6. Of several sockets on one port (another address of this machine) it is their sum.
 */
export function droppedByKernel(tables: readonly string[], port: number): number {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  let dropped = 0;
  for (const table of tables) {
    for (const line of table.split("\n")) {
      const fields = line.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) === true) dropped += Number(fields.at(-1)) || 0;
    }
  }
  return dropped;
}
