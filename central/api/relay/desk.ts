/**
 * Takes relayed bodies off their connections and gives them to the writing half. Who sends may be slow, silent, endless, or
 * a thousand at once: bytes that came and are not stored are bounded over all requests, and so is the number of requests.
 * Only what has come counts: a claim of `Content-Length` reserves nothing.
 */
import type { Clock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { RelaySettings } from "../../config/relay.ts";
import { relayCodes } from "../../ingest/relay/codes.ts";
import type { RelayCounts } from "../../ingest/relay/relay-counts.ts";
import { deskCodes } from "./codes.ts";

/** What a relay request has of HTTP. */
export interface RelayRequest {
  readonly body: ReadableStream<Uint8Array> | null;
  /** As it claims; undefined: it does not say. */
  readonly length: number | undefined;
  /** Name of its key. */
  readonly key: string;
}

export interface RelayDeskOptions {
  readonly settings: RelaySettings;
  readonly clock: Clock;
  /** Resolves when the store has all of it: how many records. */
  readonly store: (key: string, bytes: ArrayBuffer) => Promise<number>;
  /** Without a byte for so long a body is given up. */
  readonly silenceMs?: number;
  /** As a whole it has so long, and longer the more of it comes. */
  readonly bodyMs?: number;
}

const silenceMsStandard = 15_000;
const bodyMsStandard = 30_000;
/** The slowest link that is worth waiting for: 1 KiB a second. */
const bytesPerMsMin = 1;

export class RelayDesk {
  private taken = 0;
  private putOff = 0;
  private refused = 0;
  private bytes = 0;
  private requests = 0;
  private waitingBytes = 0;

  constructor(private readonly options: RelayDeskOptions) {}

  get counts(): RelayCounts {
    const { taken, putOff, refused, bytes, requests, waitingBytes } = this;
    return { taken, putOff, refused, bytes, requests, waitingBytes };
  }

  /**
   * Resolves when the store has all of it, durably: how many records it were.
   *
   * @throws AppError `CENTRAL_RELAY_…`, `CENTRAL_STORE_UNAVAILABLE`.
   */
  async take(request: RelayRequest): Promise<number> {
    const held = { bytes: 0 };
    this.requests++;
    try {
      const bytes = await this.read(request, held);
      const records = bytes.byteLength === 0 ? 0 : await this.options.store(request.key, bytes);
      this.taken++;
      this.bytes += held.bytes;
      return records;
    } catch (thrown) {
      if (thrown instanceof AppError && thrown.severity !== "transient") this.refused++;
      else this.putOff++;
      throw thrown;
    } finally {
      this.requests--;
      this.waitingBytes -= held.bytes;
    }
  }

  private async read({ body, length }: RelayRequest, held: { bytes: number }): Promise<ArrayBuffer> {
    const { requestsMax, bodyBytesMax } = this.options.settings;
    if (this.requests > requestsMax) throw busy(`${requestsMax} requests are under way`);
    if ((length ?? 0) > bodyBytesMax) throw tooLarge(bodyBytesMax);
    if (body === null) return new ArrayBuffer(0);
    const chunks: Uint8Array[] = [];
    const reader = body.getReader();
    const watch = this.watch(() => held.bytes, reader);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (watch.gaveUp)
          throw new AppError(deskCodes.CENTRAL_RELAY_SLOW, `read a body: ${held.bytes} bytes came, and no more`);
        if (done) break;
        watch.heard();
        held.bytes += value.length;
        this.waitingBytes += value.length;
        if (held.bytes > bodyBytesMax) throw tooLarge(bodyBytesMax);
        if (this.waitingBytes > this.options.settings.waitingBytesMax) throw busy(`${this.waitingBytes} bytes wait`);
        chunks.push(value);
      }
    } catch (thrown) {
      await reader.cancel().catch(() => undefined);
      if (thrown instanceof AppError) throw thrown;
      // Whoever sent it is gone: nobody hears the answer.
      throw new AppError(deskCodes.CENTRAL_RELAY_SLOW, `read a body: cut off after ${held.bytes} bytes`, {
        cause: thrown,
      });
    } finally {
      watch.stop();
    }
    return joined(chunks, held.bytes);
  }

  /** Ends the reading of a body that does not come on. */
  private watch(read: () => number, reader: { cancel(): Promise<void> }) {
    const { clock, silenceMs = silenceMsStandard, bodyMs = bodyMsStandard } = this.options;
    const beganMs = clock.uptimeMs();
    let heardMs = beganMs;
    const watching = {
      gaveUp: false,
      heard: () => {
        heardMs = clock.uptimeMs();
      },
      stop: () => clearInterval(timer),
    };
    const timer = setInterval(
      () => {
        const nowMs = clock.uptimeMs();
        if (nowMs - heardMs < silenceMs && nowMs - beganMs < bodyMs + read() / bytesPerMsMin) return;
        watching.gaveUp = true;
        clearInterval(timer);
        reader.cancel().catch(() => undefined);
      },
      Math.min(1_000, silenceMs / 2),
    );
    return watching;
  }
}

/** A buffer of its own, so that it can be handed over whole. */
function joined(chunks: readonly Uint8Array[], length: number): ArrayBuffer {
  const bytes = new Uint8Array(length);
  let end = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, end);
    end += chunk.length;
  }
  return bytes.buffer;
}

function busy(why: string): AppError {
  return new AppError(deskCodes.CENTRAL_RELAY_BUSY, `take a body: ${why}`);
}

function tooLarge(max: number): AppError {
  return new AppError(relayCodes.CENTRAL_RELAY_TOO_LARGE, `read a body: more than ${max} bytes`);
}
