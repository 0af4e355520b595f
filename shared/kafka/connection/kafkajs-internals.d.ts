/**
 * Types of the kafkajs 2.2.4 modules that its package does not declare and that we import by path: only what we use.
 * Each was read in the package's source; when kafkajs is updated, read them again.
 */

declare module "kafkajs/src/network/requestQueue" {
  /** An answer: what stands after the correlation id. */
  interface RawResponse {
    readonly payload: Buffer;
  }

  interface RequestEntry {
    readonly apiKey: number;
    readonly apiName: string;
    readonly apiVersion: number;
    readonly correlationId: number;
    readonly resolve: (response: RawResponse) => void;
    readonly reject: (error: unknown) => void;
  }

  /** Requests of one connection: in flight, and waiting because of a throttle or the in-flight limit. */
  export default class RequestQueue {
    readonly pending: readonly unknown[];
    readonly inflight: ReadonlyMap<number, unknown>;
    /** By `Date.now()`, which `steadyClock` has changed; in the past when nothing throttles. */
    throttledUntil: number;
    throttleCheckTimeoutId: ReturnType<typeof setTimeout> | null;
    checkPendingRequests(): void;
    scheduleCheckPendingRequests(): void;
    rejectAll(error: Error): void;
    /** Of the emitter that it is. */
    listenerCount(event: string): number;
    /** Sends at once, or when the connection has room; the entry resolves with the answer. */
    push(request: {
      readonly entry: RequestEntry;
      readonly expectResponse: boolean;
      readonly requestTimeout: number | null;
      sendRequest(): void;
    }): void;
  }
}

declare module "kafkajs/src/consumer/consumerGroup" {
  /** One member of a group. */
  export default class ConsumerGroup {
    /** Made from `consumer({ partitionAssigners })`. */
    readonly assigners: readonly object[];
    joinAndSync(): Promise<unknown>;
  }
}

declare module "kafkajs/src/network/connection" {
  import type { Socket } from "node:net";
  import type RequestQueue from "kafkajs/src/network/requestQueue";

  export default class Connection {
    /** Undefined until `connect`. */
    readonly socket: Socket | undefined;
    readonly requestQueue: RequestQueue;
    authenticatedAt: unknown;
    connectionStatus: "connected" | "disconnecting" | "disconnected";
    /** On a new socket each time. */
    connect(): Promise<unknown>;
    /** After the last answers. */
    disconnect(): Promise<boolean>;
    isConnected(): boolean;
    /** False without SASL too; and when the broker wants us to authenticate anew (KIP-368). */
    isAuthenticated(): boolean;
    authenticate(): Promise<void>;
    nextCorrelationId(): number;
    rejectRequests(error: Error): void;
  }
}

declare module "kafkajs/src/network/connectionPool" {
  import type { ConnectionOptions } from "node:tls";
  import type { ISocketFactory, Logger, SASLOptions } from "kafkajs";
  import type Connection from "kafkajs/src/network/connection";

  /** A request, and how its answer is read: `decode` first, then `parse`, which throws a partition's error. */
  interface ProtocolRequest {
    readonly request: {
      readonly apiKey: number;
      readonly apiVersion: number;
      /** `buffer` is a view of what will be sent after the header. */
      encode(): Promise<{ readonly buffer: Buffer }>;
    };
    readonly response: {
      decode(bytes: Buffer): Promise<object>;
      parse(decoded: object): Promise<object>;
    };
    readonly requestTimeout?: number | null;
  }

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
    /** As it was handed to the client. */
    readonly socketFactory: ISocketFactory;
    send(prepared: ProtocolRequest): Promise<unknown>;
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
    fetch(options: {
      readonly topics: readonly {
        readonly topic: string;
        readonly partitions: readonly {
          readonly partition: number;
          readonly fetchOffset: string;
          readonly maxBytes: number;
        }[];
      }[];
      readonly maxWaitTime: number;
    }): Promise<{
      readonly responses: readonly {
        readonly partitions: readonly { readonly messages: readonly object[] }[];
      }[];
    }>;
    /** Closes its connections. */
    disconnect(): Promise<void>;
    /** By API key; null before `connect`. */
    readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>> | null;
  }
}
