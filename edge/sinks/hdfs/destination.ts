import { posix } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Finding } from "../../core/sink.ts";
import type { ObjectDestination, ObjectWriter } from "../../records/objects/object-destination.ts";
import type { Config } from "./config.ts";
import { WebHdfs } from "./web-hdfs.ts";

/** Bytes of one request, held in memory until it is answered. */
const pieceBytes = 4 * 1024 * 1024;

/**
 * Files under a name of their own while they are written, then renamed. The name in use is the same for the same numbers: what
 * a crash left there is written over, so nothing is repeated and nothing is left behind.
 */
export class HdfsDestination implements ObjectDestination {
  private readonly hdfs: WebHdfs;

  constructor(private readonly config: Config) {
    this.hdfs = new WebHdfs(config);
  }

  async open(name: string, signal: AbortSignal): Promise<ObjectWriter> {
    const { inUsePrefix, inUseSuffix } = this.config;
    const inUse = posix.join(posix.dirname(name), `${inUsePrefix}${posix.basename(name)}${inUseSuffix}`);
    return new FileWriter(this.hdfs, { inUse, name }, signal);
  }

  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const what = this.hdfs.nameNode;
    try {
      await this.hdfs.ask("GET", "/", { op: "GETFILESTATUS" }, signal);
      return [{ what, says: "the NameNode answers; whether files may be written is not tried" }];
    } catch (thrown) {
      const error =
        thrown instanceof AppError ? thrown : new AppError("EDGE_DESTINATION_AWAY", what, { cause: thrown });
      return [{ what, error }];
    }
  }

  status(): Readonly<Record<string, unknown>> {
    return { nameNode: this.hdfs.nameNode, lastAnswer: this.hdfs.last };
  }
}

class FileWriter implements ObjectWriter {
  private pieces: Buffer[] = [];
  private held = 0;
  private sent = 0;
  private isMade = false;

  constructor(
    private readonly hdfs: WebHdfs,
    private readonly names: { readonly inUse: string; readonly name: string },
    private readonly signal: AbortSignal,
  ) {}

  async write(bytes: Buffer): Promise<void> {
    // The caller may use its buffer again.
    this.pieces.push(Buffer.from(bytes));
    this.held += bytes.length;
    if (this.held >= pieceBytes) await this.send();
  }

  async close(): Promise<void> {
    const { hdfs, signal } = this;
    const { inUse, name } = this.names;
    if (this.held > 0 || !this.isMade) await this.send();
    // A request of an earlier try that came late may have written there, too.
    const found = await hdfs.lengthOf(inUse, signal);
    if (found !== this.sent) throw this.wrongLength(inUse, found);
    await hdfs.ask("PUT", inUse, { op: "RENAME", destination: name, renameoptions: "OVERWRITE" }, signal);
    const renamed = await hdfs.lengthOf(name, signal);
    if (renamed !== this.sent) throw this.wrongLength(name, renamed);
  }

  /** What is left has the name of the next try, which writes over it. */
  async discard(): Promise<void> {
    this.pieces = [];
  }

  private async send(): Promise<void> {
    const bytes = Buffer.concat(this.pieces);
    const { inUse } = this.names;
    if (this.isMade) await this.hdfs.send(inUse, { op: "APPEND" }, bytes, this.signal);
    else await this.hdfs.send(inUse, { op: "CREATE", overwrite: "true" }, bytes, this.signal);
    this.isMade = true;
    this.sent += bytes.length;
    this.pieces = [];
    this.held = 0;
  }

  private wrongLength(path: string, found: number | undefined): AppError {
    const has = found === undefined ? "is not there" : `has ${found} bytes`;
    return new AppError("EDGE_DESTINATION_AWAY", `write ${path}: it ${has}, ${this.sent} were sent`);
  }
}
