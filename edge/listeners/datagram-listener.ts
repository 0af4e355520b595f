/**
 * Takes datagrams for a source (UDP).
 *
 * A sender of datagrams is never told anything, so what finds no room is lost. Where that can be seen, it is counted: datagrams
 * that our queue had no room for, because the channel was full for too long, and those that the kernel dropped, because the
 * process did not read for too long. What was lost on the way nobody knows.
 */
import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import { Gate } from "../../shared/async/gate.ts";
import { isLocal, type ListenAddress, showAddress } from "../../shared/config/listen-address.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { type AddToBooks, countingReport } from "../../shared/telemetry/counting-report.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { Counter } from "../../shared/telemetry/metrics.ts";
import type { Context } from "../core/context.ts";
import type { Intake } from "../core/source.ts";
import { codes } from "./codes.ts";
import { droppedByKernel } from "./datagram-drops.ts";
import { datagramsLostCounter, signals } from "./telemetry.ts";

/** What `datagramFields` reads. */
export interface DatagramOptions {
  readonly address: ListenAddress;
  /** Datagrams that wait for room in the channel, in bytes. */
  readonly queueBytesMax: number;
  /** What the kernel keeps until we read. */
  readonly receiveBuffer: number;
}

/** Appends one datagram, synchronously. */
export type TakeDatagram = (bytes: Buffer, senderAddress: string) => void;

interface Datagram {
  readonly bytes: Buffer;
  readonly senderAddress: string;
}

const lookAtKernelMs = 5_000;
/** What a datagram costs beside its bytes. */
const datagramBytes = 128;

export class DatagramListener {
  private readonly received: Counter;
  private readonly lostQueue: Counter;
  private readonly lostKernel: Counter;
  private readonly report: Report;
  private readonly queue: Datagram[] = [];
  private readonly arrived = new Gate();
  private queueBytes = 0;
  private intake: Intake | undefined;
  private socket: Socket | undefined;
  private failure: Error | undefined;
  private portNow: number | undefined;
  private kernelSeen = 0;
  /** Of those that the queue had no room for: so many are in the books. */
  private booked = 0;

  constructor(
    private readonly options: DatagramOptions,
    private readonly context: Pick<Context, "name" | "report" | "metrics">,
  ) {
    const { metrics, name } = context;
    const labels = { source: name, address: showAddress(options.address) };
    this.received = metrics.counter("tailgate_datagrams_received_total", "Datagrams that were received.", labels);
    const { datagramsLost, datagramsLostByKernel } = signals;
    const book: AddToBooks = (counter, amount) => this.intake?.count(counter, amount);
    const counted = { datagramsLost, datagramsLostByKernel };
    this.report = countingReport(counted, { report: context.report, metrics, labels, book });
    const { metric, help } = datagramsLostCounter;
    this.lostQueue = metrics.counter(metric, help, { ...labels, where: "queue" });
    this.lostKernel = metrics.counter(metric, help, { ...labels, where: "kernel" });
  }

  /** Listens and appends until the signal aborts. @throws AppError `EDGE_LISTEN` when the address cannot be had. */
  async run(intake: Intake, signal: AbortSignal, take: TakeDatagram): Promise<void> {
    this.intake = intake;
    await this.open();
    const timer = setInterval(() => this.lookAtKernel(), lookAtKernelMs);
    try {
      while (!signal.aborted) {
        if (this.failure !== undefined) throw this.failure;
        if (this.queue.length === 0) await this.arrived.wait(signal);
        await intake.ready(signal);
        if (intake.takesNow()) this.appendAll(take);
        this.bookLost(intake);
      }
    } finally {
      clearInterval(timer);
      this.lookAtKernel();
      this.close();
      // What was received before a stop is taken; no sender would send it again.
      if (intake.takesNow()) this.appendAll(take);
      this.bookLost(intake, this.queue.length);
    }
  }

  close(): void {
    const { socket } = this;
    if (socket === undefined) return;
    this.socket = undefined;
    socket.close();
    this.context.report(signals.closed, this.words());
  }

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    return this.socket === undefined ? undefined : this.portNow;
  }

  /** For the status page. */
  status(): Readonly<Record<string, unknown>> {
    return {
      listens: this.socket !== undefined,
      address: showAddress(this.options.address),
      ...(this.port === undefined ? {} : { port: this.port }),
      received: this.received.value,
      queued: this.queue.length,
      lost: { queue: this.lostQueue.value, kernel: this.lostKernel.value },
    };
  }

  private async open(): Promise<void> {
    const { address, receiveBuffer } = this.options;
    if (address.kind !== "tcp") throw new AppError(codes.EDGE_LISTEN, `${address.path} is no address for datagrams`);
    const { host, port } = address;
    const socket = createSocket({ type: host.includes(":") ? "udp6" : "udp4", recvBufferSize: receiveBuffer });
    await new Promise<void>((resolve, reject) => {
      socket.once("error", (cause) => {
        const why = "code" in cause ? ` (${String(cause.code)})` : "";
        reject(new AppError(codes.EDGE_LISTEN, `listen on ${showAddress(address)} for datagrams${why}`, { cause }));
      });
      socket.bind({ address: host, port, exclusive: true }, resolve);
    });
    socket.removeAllListeners("error");
    socket.on("error", (error) => {
      this.failure = error;
      this.arrived.open();
    });
    socket.on("message", (bytes, { address: senderAddress }) => this.onDatagram(bytes, senderAddress));
    this.socket = socket;
    this.portNow = socket.address().port;
    this.kernelSeen = this.kernelDrops();
    this.context.report(signals.listening, this.words());
    if (!isLocal(address)) this.context.report(signals.exposed, this.words());
  }

  private onDatagram(bytes: Buffer, senderAddress: string): void {
    this.received.add(1);
    const size = bytes.length + datagramBytes;
    if (this.queueBytes + size > this.options.queueBytesMax) {
      this.report(signals.datagramsLost, this.words({ where: "queue" }));
      return;
    }
    this.queueBytes += size;
    this.queue.push({ bytes, senderAddress: senderAddress.replace(/^::ffff:(?=\d+\.)/, "") });
    this.arrived.open();
  }

  private appendAll(take: TakeDatagram): void {
    for (const { bytes, senderAddress } of this.queue) take(bytes, senderAddress);
    this.queue.length = 0;
    this.queueBytes = 0;
  }

  /** Into the books of the stream, in the transaction of what was taken. */
  private bookLost(intake: Intake, more = 0): void {
    this.lostQueue.add(more);
    const lost = this.lostQueue.value - this.booked;
    this.booked = this.lostQueue.value;
    if (lost > 0) intake.count("datagrams_lost", lost);
  }

  private lookAtKernel(): void {
    if (this.socket === undefined) return;
    const drops = this.kernelDrops();
    const fresh = drops - this.kernelSeen;
    this.kernelSeen = drops;
    if (fresh <= 0) return;
    this.report(signals.datagramsLostByKernel, this.words({ where: "kernel", datagrams: fresh }));
  }

  private kernelDrops(): number {
    try {
      const tables = ["/proc/net/udp", "/proc/net/udp6"].map((path) => readFileSync(path, "utf8"));
      return droppedByKernel(tables, this.portNow ?? 0);
    } catch {
      // A machine without IPv6 or without /proc says nothing.
      return 0;
    }
  }

  private words(more: Readonly<Record<string, string | number>> = {}) {
    const { address } = this.options;
    const shown = address.kind === "tcp" && this.portNow !== undefined ? { ...address, port: this.portNow } : address;
    return { component: this.context.name, address: showAddress(shown), protocol: "udp", ...more };
  }
}

/** Many senders end a datagram with a line feed, as they would a line. */
export function endWithoutLineFeed(bytes: Buffer): number {
  return bytes.at(-1) === 10 ? bytes.length - 1 : bytes.length;
}
