/**
 * Types of the kafkajs 2.2.4 modules that its package does not declare and that we import by path: only what we use.
 * Each was read in the package's source; when kafkajs is updated, read them again.
 */

declare module "kafkajs/src/network/requestQueue" {
  /** Requests of one connection: in flight, and waiting because of a throttle or the in-flight limit. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    readonly inflight: ReadonlyMap<number, unknown>;
    /** Wall clock, milliseconds since 1970; in the past when nothing throttles. */
    throttledUntil: number;
    throttleCheckTimeoutId: ReturnType<typeof setTimeout> | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
    rejectAll(error: Error): void;
  }
}

declare module "kafkajs/src/network/connection" {
  import type { Socket } from "node:net";
  import type RequestQueue from "kafkajs/src/network/requestQueue";

  /** What a request's `encode` answers: kafkajs copies `buffer` behind its own request header. */
  interface EncodedRequest {
    readonly buf: Buffer;
    readonly buffer: Buffer;
  }

  interface ConnectionRequest<Decoded, Parsed> {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      readonly apiName: string;
      expectResponse?(): boolean;
      encode(): Promise<EncodedRequest>;
    };
    readonly response: {
      /** The response behind its correlation id; for flexible versions the header's tagged fields come first. */
      decode(payload: Buffer): Promise<Decoded>;
      parse(decoded: Decoded): Promise<Parsed>;
    };
    readonly requestTimeout?: number;
    readonly logResponseError?: boolean;
  }

  export default class Connection {
    /** Undefined until `connect`. */
    readonly socket: Socket | undefined;
    readonly requestQueue: RequestQueue;
    isConnected(): boolean;
    rejectRequests(error: Error): void;
    send<Decoded, Parsed>(request: ConnectionRequest<Decoded, Parsed>): Promise<Parsed>;
  }
}

declare module "kafkajs/src/network/connectionPool" {
  import type { ConnectionOptions } from "node:tls";
  import type { ISocketFactory, Logger, SASLOptions } from "kafkajs";
  import type Connection from "kafkajs/src/network/connection";

  export default class ConnectionPool {
    constructor(options: {
      readonly host: string;
      readonly port: number;
      readonly logger: Logger;
      readonly socketFactory: ISocketFactory;
      readonly clientId: string;
      readonly connectionTimeout: number;
      readonly requestTimeout: number;
      readonly enforceRequestTimeout: boolean;
      readonly ssl: ConnectionOptions | null;
      readonly sasl: SASLOptions | null;
    });
    /** Two connections: the first for everything, the second for Fetch. */
    readonly pool: readonly Connection[];
  }
}

declare module "kafkajs/src/network/socketFactory" {
  import type { ISocketFactory } from "kafkajs";
  export default function socketFactory(): ISocketFactory;
}

declare module "kafkajs/src/broker" {
  import type { Logger } from "kafkajs";
  import type ConnectionPool from "kafkajs/src/network/connectionPool";

  export default class Broker {
    constructor(options: {
      readonly connectionPool: ConnectionPool;
      readonly logger: Logger;
      readonly authenticationTimeout: number;
      readonly allowAutoTopicCreation: boolean;
    });
    /** Connects, learns the broker's API versions, authenticates. */
    connect(): Promise<void>;
    /** By API key; null before `connect`. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
  }
}
