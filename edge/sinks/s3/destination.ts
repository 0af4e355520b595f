import { S3Client } from "bun";
import { withDeadline } from "../../../shared/async/deadline.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import type { Finding } from "../../core/sink.ts";
import { codes } from "../../records/codes.ts";
import type { ObjectDestination, ObjectWriter } from "../../records/objects/object-destination.ts";
import type { Config } from "./config.ts";

/** An object up to this size goes in one request; a larger one in parts of this size, each held in memory until it is sent. */
const partBytes = 8 * 1024 * 1024;

/** A bucket, by Bun's own client. An object appears whole, with the answer to its last request. */
export class BucketDestination implements ObjectDestination {
  private readonly client: S3Client;
  private last = "nothing was written yet";

  constructor(private readonly config: Config) {
    const { bucket, endpoint, region, accessKeyId, secretAccessKey, virtualHostedStyle } = config;
    this.client = new S3Client({
      bucket,
      region,
      accessKeyId,
      secretAccessKey,
      virtualHostedStyle,
      ...(endpoint === undefined ? {} : { endpoint }),
    });
  }

  async open(name: string, signal: AbortSignal): Promise<ObjectWriter> {
    const ask = <T>(what: string, work: Promise<T>) => this.ask(`${what} ${name}`, work, signal);
    return new PartWriter({ client: this.client, name, verify: this.config.verify }, ask);
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const { bucket, endpoint } = this.config;
    const what = `${endpoint ?? "s3"} ${bucket}`;
    try {
      await this.ask("list one key of", this.client.list({ maxKeys: 1 }), signal);
      return [{ what, says: "the bucket answers; whether it may be written to is not tried" }];
    } catch (thrown) {
      const error =
        thrown instanceof AppError ? thrown : new AppError("EDGE_DESTINATION_AWAY", what, { cause: thrown });
      return [{ what, error }];
    }
  }

  status(): Readonly<Record<string, unknown>> {
    const { bucket, endpoint } = this.config;
    return { bucket, endpoint, lastAnswer: this.last };
  }

  /** The client knows no deadline and no signal: what hangs is left behind. It writes the same bytes under the same name. */
  private async ask<T>(what: string, work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { timeout, bucket } = this.config;
    const words = `${what} in bucket "${bucket}"`;
    try {
      const late = () => new Error(`no answer in ${timeout} ms`);
      const answer = await orAbort(withDeadline(work, timeout, late), signal);
      this.last = "well";
      return answer;
    } catch (cause) {
      work.catch(() => undefined);
      this.last = messageOf(cause);
      throw new AppError(codeOf(cause), words, { cause });
    }
  }
}

/** Which object is written. */
interface Target {
  readonly client: S3Client;
  readonly name: string;
  /** Whether it is looked at when it is written. */
  readonly verify: boolean;
}

type Ask = <T>(what: string, work: Promise<T>) => Promise<T>;

/** Small objects are one request; a large one is begun in parts when it is known to be large. */
class PartWriter implements ObjectWriter {
  private parts: Buffer[] = [];
  private bytes = 0;
  private taken = 0;
  private sink: Bun.NetworkSink | undefined;

  constructor(
    private readonly target: Target,
    private readonly ask: Ask,
  ) {}

  async write(bytes: Buffer): Promise<void> {
    // The caller may use its buffer again.
    this.parts.push(Buffer.from(bytes));
    this.bytes += bytes.length;
    if (this.bytes >= partBytes) await this.send();
  }

  async close(): Promise<void> {
    const { client, name, verify } = this.target;
    if (this.sink === undefined) await this.ask("put", client.write(name, this.take()));
    else {
      await this.send();
      await this.ask("end", Promise.resolve(this.sink.end()));
    }
    if (verify) await this.look();
  }

  /** A login page answers 200 to whatever is written: only what is there was taken. */
  private async look(): Promise<void> {
    const { client, name } = this.target;
    const { size, etag } = await this.ask("look at", client.stat(name));
    if (size === this.taken && etag !== "") return;
    const found = `what answers names an object of ${size} bytes${etag === "" ? " and no ETag" : ""}`;
    throw new AppError("EDGE_DESTINATION_AWAY", `write ${name}: ${found}, ${this.taken} were sent`);
  }

  async discard(): Promise<void> {
    this.parts = [];
    // Parts that were sent stay with the server until it forgets them: see the bucket's rule for incomplete uploads.
    try {
      await this.sink?.end(new Error("given up"));
    } catch {
      // It failed already, or its server is away.
    }
  }

  private async send(): Promise<void> {
    this.sink ??= this.target.client.file(this.target.name).writer({ partSize: partBytes, queueSize: 1, retry: 0 });
    this.sink.write(this.take());
    await this.ask("write", Promise.resolve(this.sink.flush()));
  }

  private take(): Buffer {
    const all = Buffer.concat(this.parts);
    this.parts = [];
    this.bytes = 0;
    this.taken += all.length;
    return all;
  }
}

function codeOf(thrown: unknown) {
  const name = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
  if (/^(AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken)$/.test(name)) {
    return codes.EDGE_DESTINATION_AUTH;
  }
  const isWrong = /^(NoSuchBucket|PermanentRedirect|InvalidBucketName|MethodNotAllowed|AuthorizationHeaderMalformed)$/;
  return isWrong.test(name) ? codes.EDGE_DESTINATION_WRONG : "EDGE_DESTINATION_AWAY";
}

function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error("stopped"));
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
