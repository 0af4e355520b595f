import Broker from "kafkajs/src/broker";

const connect = Broker.prototype.connect;

/**
 * Ends kafkajs's half-made connections. When a broker takes the connection and then is silent (frozen, or an address
 * behind which nobody is left), kafkajs gives up on the first request but keeps the connection, and the next try finds
 * it "connected": without the versions that the broker speaks, so that every request on it fails for ever. A connection
 * that was not made completely is closed, and the next try begins anew.
 *
 * Idempotent; changes the class for the whole process.
 */
export function honestConnect(): void {
  Broker.prototype.connect = connectOrClose;
}

async function connectOrClose(this: Broker): Promise<void> {
  try {
    await connect.call(this);
  } catch (error) {
    await this.disconnect();
    throw error;
  }
}
