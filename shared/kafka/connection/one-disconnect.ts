import type { Socket } from "node:net";
import Connection from "kafkajs/src/network/connection";

const disconnect = Connection.prototype.disconnect;

/** Sockets that were ended, or that wait for their last answers to be. */
const farewells = new WeakMap<Socket, Promise<boolean>>();

/**
 * Ends a socket once. In an outage kafkajs disconnects the same connection again and again: the one that failed, its
 * broker, the pool, the next try. Each call would wait for the last answers by a listener of its own, and unreference a
 * socket that never stood, for which the runtime adds a listener too: `MaxListenersExceededWarning`, and a leak for as
 * long as the outage lasts.
 *
 * Idempotent; changes the class for the whole process.
 */
export function oneDisconnect(): void {
  Connection.prototype.disconnect = disconnectOnce;
}

async function disconnectOnce(this: Connection): Promise<boolean> {
  const { socket } = this;
  if (socket === undefined) return await disconnect.call(this);
  const before = farewells.get(socket);
  if (before === undefined) {
    const farewell = disconnect.call(this);
    farewells.set(socket, farewell);
    return await farewell;
  }
  await before;
  // It may have connected after it was ended; what was asked for is that it counts as ended.
  if (this.socket === socket) {
    this.authenticatedAt = null;
    this.connectionStatus = "disconnected";
  }
  return true;
}
