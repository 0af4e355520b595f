import { Duplex } from "node:stream";
import type { Connection } from "../../listeners/connection.ts";

/** A connection as a stream, for TLS that stands on it. `room` is waited for before more is read. */
export function wireOf(connection: Connection, room: () => Promise<void>): Duplex {
  const read = async () => {
    await room();
    if (!(await connection.fill())) {
      wire.push(null);
      return;
    }
    const chunk = Buffer.from(connection.bytes);
    connection.consume(chunk.length);
    wire.push(chunk);
  };
  const wire = new Duplex({
    read: () => void read(),
    write: (chunk: Buffer, _encoding, done) => {
      void connection.write(chunk).then(() => done());
    },
  });
  return wire;
}
