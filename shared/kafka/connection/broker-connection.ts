/**
 * One connection to one broker, over kafkajs: its TLS, SASL, version handshake and matching of answers, but none of its retries.
 *
 * It is used once: whatever goes wrong on it (a deadline, a reset, an answer that cannot be read) ends it for good and
 * rejects everything in flight, because kafkajs would reconnect in silence, with half an old answer still in its buffer
 * and nobody told that the requests before went unanswered. Deadlines are our own: on a half-open link kafkajs and the
 * socket can be silent for ten minutes.
 */

import type { Kafka } from "kafkajs";
import Broker from "kafkajs/src/broker";
import type Connection from "kafkajs/src/network/connection";
import ConnectionPool from "kafkajs/src/network/connectionPool";
import type { RawResponse } from "kafkajs/src/network/requestQueue";
import socketFactory from "kafkajs/src/network/socketFactory";
import { withDeadline } from "../../async/deadline.ts";
import { type Address, formatAddress } from "../../config/address.ts";
import { AppError, hasCode } from "../../errors/app-error.ts";
import { invariant } from "../../errors/invariant.ts";
import { descriptorShortage } from "../../files/descriptor-shortage.ts";
import { isFlexible, type Message, versionFor } from "../message.ts";
import { type ClusterMetadata, metadataMessage } from "../messages/metadata.ts";
import { WireReader, WireWriter } from "../wire.ts";
import { type KafkaConnection, saslOptions, tlsOptions } from "./client.ts";

/** How to connect, and how long to wait: milliseconds until a connection stands, and until a request is answered. */
export interface ConnectionOptions extends KafkaConnection {
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly logger: ReturnType<Kafka["logger"]>;
}

/** kafkajs's two ends of one connection. */
interface Wire {
  readonly connection: Connection;
  readonly broker: Broker;
}

export class BrokerConnection {
  private ended: AppError | undefined;
  private readonly connection: Connection;
  private readonly broker: Broker;

  private constructor(
    readonly address: Address,
    /** As this very connection's broker said it. */
    readonly cluster: ClusterMetadata,
    { connection, broker }: Wire,
    private readonly options: ConnectionOptions,
  ) {
    this.connection = connection;
    this.broker = broker;
  }

  /**
   * Connects, authenticates, and asks which cluster this is.
   *
   * @throws AppError `KAFKA_UNREACHABLE` or `KAFKA_AUTHENTICATION`.
   */
  static async open(address: Address, options: ConnectionOptions): Promise<BrokerConnection> {
    const pool = new ConnectionPool({
      ...address,
      logger: options.logger,
      socketFactory: socketFactory(),
      clientId: options.clientId,
      connectionTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      enforceRequestTimeout: false,
      ssl: options.tls === undefined ? null : tlsOptions(options.tls),
      sasl: options.sasl === undefined ? null : saslOptions(options.sasl),
    });
    const [connection] = pool.pool;
    invariant(connection !== undefined, "a kafkajs connection pool holds a connection");
    const broker = new Broker({
      connectionPool: pool,
      logger: options.logger,
      authenticationTimeout: options.connectTimeoutMs,
      allowAutoTopicCreation: false,
    });
    const where = formatAddress(address);
    const connect = async () => {
      await broker.connect();
      const message = metadataMessage(undefined);
      return await send(connection, message, spoken(message, broker, where), options);
    };
    try {
      const cluster = await withDeadline(
        connect(),
        options.connectTimeoutMs,
        () => new Error(`no connection within ${options.connectTimeoutMs} ms`),
      );
      return new BrokerConnection(address, cluster, { connection, broker }, options);
    } catch (cause) {
      if (hasCode(cause, "KAFKA_VERSION")) {
        end(connection, cause);
        throw cause;
      }
      const refused = cause instanceof Error && cause.name.startsWith("KafkaJSSASL");
      const code = refused ? "KAFKA_AUTHENTICATION" : "KAFKA_UNREACHABLE";
      const error =
        shortOfDescriptors(where, cause) ?? new AppError(code, `connect to Kafka broker ${where}`, { cause });
      end(connection, error);
      throw error;
    }
  }

  get alive(): boolean {
    return this.ended === undefined && this.connection.isConnected();
  }

  /** Whether the broker speaks a version of a request that we speak. */
  supports(message: Message<unknown>): boolean {
    return versionFor(message, this.broker.versions ?? {}) !== undefined;
  }

  /**
   * Asks, in the highest version that both speak.
   *
   * @throws AppError `KAFKA_UNREACHABLE`; the connection is over then, and the request may have been carried out.
   *   `KAFKA_VERSION`: nothing was sent.
   */
  async send<Answer>(message: Message<Answer>): Promise<Answer> {
    if (!this.alive) throw this.ended ?? this.unreachable(message.name, new Error("the broker closed the connection"));
    const version = spoken(message, this.broker, formatAddress(this.address));
    try {
      return await withDeadline(
        send(this.connection, message, version, this.options),
        this.options.requestTimeoutMs,
        () => new Error(`no answer within ${this.options.requestTimeoutMs} ms`),
      );
    } catch (cause) {
      const error = this.ended ?? this.unreachable(message.name, cause);
      this.destroy(error);
      throw error;
    }
  }

  /** Ends it; what is in flight rejects with the error. */
  destroy(error: AppError): void {
    this.ended ??= error;
    end(this.connection, error);
  }

  private unreachable(what: string, cause: unknown): AppError {
    return new AppError("KAFKA_UNREACHABLE", `${what} request to Kafka broker ${formatAddress(this.address)}`, {
      cause,
    });
  }
}

/** @throws AppError `KAFKA_VERSION` */
function spoken(message: Message<unknown>, broker: Broker, where: string): number {
  const version = versionFor(message, broker.versions ?? {});
  if (version !== undefined) return version;
  const theirs = broker.versions?.[message.apiKey];
  const { min, max } = message.versions;
  const has = theirs === undefined ? "does not have it" : `has ${theirs.minVersion} to ${theirs.maxVersion}`;
  throw new AppError(
    "KAFKA_VERSION",
    `ask Kafka broker ${where}: of ${message.name} we speak ${min} to ${max}, it ${has}`,
  );
}

/** Undefined: that is not why. */
function shortOfDescriptors(where: string, cause: unknown): AppError | undefined {
  const shortage = descriptorShortage();
  if (shortage === undefined) return undefined;
  const hint =
    "This process may open no more files and sockets: raise its limit (LimitNOFILE in the unit), or let tail keep fewer open.";
  return new AppError("KAFKA_UNREACHABLE", `connect to Kafka broker ${where}: ${shortage}`, { cause, hint });
}

function end(connection: Connection, error: AppError): void {
  connection.rejectRequests(error);
  connection.socket?.destroy();
}

/**
 * Kafka's framing (protocol guide, "Protocol", and KIP-482 for flexible headers): length, API key, version, correlation
 * id, client id, then the body, written once into one buffer. kafkajs's own `send` would copy it twice more, into buffers
 * that it clears first; what it does beside that is matching answers to requests, and its queue does it here too.
 */
async function send<Answer>(
  connection: Connection,
  message: Message<Answer>,
  version: number,
  { clientId, sasl }: ConnectionOptions,
): Promise<Answer> {
  if (sasl !== undefined && !connection.isAuthenticated()) await connection.authenticate();
  const correlationId = connection.nextCorrelationId();
  const request = new WireWriter((message.bytes ?? 256) + clientId.length + 64);
  request.int32(0).int16(message.apiKey).int16(version).int32(correlationId).string(clientId);
  const flexible = isFlexible(message, version);
  if (flexible) request.tags();
  message.write(request, version);
  const bytes = request.written;
  bytes.writeInt32BE(bytes.length - 4, 0);
  const { payload } = await new Promise<RawResponse>((resolve, reject) => {
    const { apiKey, name: apiName } = message;
    connection.requestQueue.push({
      entry: { apiKey, apiName, apiVersion: version, correlationId, resolve, reject },
      expectResponse: true,
      requestTimeout: null,
      sendRequest: () => void connection.socket?.write(bytes),
    });
  });
  const reader = new WireReader(payload);
  if (flexible) reader.tags();
  return message.read(reader, version);
}
