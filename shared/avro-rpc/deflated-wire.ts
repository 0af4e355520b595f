import { Duplex } from "node:stream";
import { constants, createDeflate, createInflate } from "node:zlib";

/**
 * A connection whose bytes travel compressed with zlib, with a flush behind each write: what TLS stands on where a Flume has
 * both. Flume 1.11 puts compression below TLS, so what is compressed is encrypted already and gets no smaller.
 */
export function deflatedWire(wire: Duplex): Duplex {
  const deflate = createDeflate();
  const inflate = createInflate();
  const whole = new Duplex({
    write: (chunk: Buffer, _encoding, done) => {
      deflate.write(chunk);
      deflate.flush(constants.Z_SYNC_FLUSH, () => done());
    },
    read: () => {
      inflate.resume();
    },
    final: (done) => {
      wire.end();
      done();
    },
    destroy: (error, done) => {
      wire.destroy();
      inflate.destroy();
      deflate.destroy();
      done(error);
    },
  });
  deflate.on("data", (chunk: Buffer) => wire.write(chunk));
  inflate.on("data", (chunk: Buffer) => {
    if (!whole.push(chunk)) inflate.pause();
  });
  inflate.on("end", () => whole.push(null));
  // Flume does not finish its compressed stream before it goes: after the end this is no error.
  inflate.on("error", (error) => (wire.readableEnded ? whole.push(null) : whole.destroy(error)));
  deflate.on("error", (error) => whole.destroy(error));
  wire.on("end", () => inflate.end());
  wire.on("data", (chunk: Buffer) => {
    if (!inflate.write(chunk)) wire.pause();
  });
  inflate.on("drain", () => wire.resume());
  wire.on("error", (error) => whole.destroy(error));
  wire.on("close", () => whole.destroy());
  return whole;
}
