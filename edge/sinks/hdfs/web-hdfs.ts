import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../../records/codes.ts";
import { excerpt, type HttpAnswer, HttpPeer, type HttpQuestion } from "../../records/http-peer.ts";
import type { Config } from "./config.ts";

const Moved = z.object({ Location: z.url({ protocol: /^https?$/ }) });
const Remote = z.object({ RemoteException: z.object({ exception: z.string(), message: z.string().default("") }) });
const Status = z.object({ FileStatus: z.object({ length: z.int(), type: z.enum(["FILE", "DIRECTORY", "SYMLINK"]) }) });

/** What is asked for, of which file. */
export type WebHdfsOperation = Readonly<Record<string, string>> & { readonly op: string };

/** HDFS over HTTP: the NameNode answers, and names the DataNode that takes bytes. */
export class WebHdfs {
  private readonly peer: HttpPeer;
  /** Which NameNode is asked: the next one when this is on standby or away. */
  private at = 0;

  constructor(private readonly config: Config) {
    const { tls, timeout } = config;
    this.peer = new HttpPeer({ tls, timeout });
  }

  get nameNode(): string {
    return this.config.url[this.at % this.config.url.length] ?? "";
  }

  get last(): string {
    return this.peer.last;
  }

  /** Asks the NameNode. @throws AppError `transient` for every answer that is no success. */
  async ask(
    method: HttpQuestion["method"],
    path: string,
    operation: WebHdfsOperation,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const what = `${operation.op} ${path} at ${this.nameNode}`;
    let answer: HttpAnswer;
    try {
      answer = await this.peer.ask({ method, url: this.urlOf(path, operation) }, signal);
    } catch (thrown) {
      this.at++;
      throw thrown;
    }
    if (answer.status >= 200 && answer.status < 400) return answer;
    throw this.errorOf(answer, what);
  }

  /** Sends bytes: asks the NameNode where to, and gives them to that DataNode. Resolves when it has them. */
  async send(path: string, operation: WebHdfsOperation, bytes: Buffer, signal: AbortSignal): Promise<void> {
    const method = operation.op === "APPEND" ? "POST" : "PUT";
    const asked = await this.ask(method, path, { ...operation, noredirect: "true" }, signal);
    // Old NameNodes do not know `noredirect`: they answer 307.
    const url = asked.headers.get("location") ?? Moved.safeParse(parseJson(asked.text)).data?.Location;
    const what = `${operation.op} ${path}`;
    if (url === undefined || !/^https?:/.test(url)) {
      throw new AppError(
        codes.EDGE_DESTINATION_WRONG,
        `${what}: ${this.nameNode} names no DataNode: ${excerpt(asked.text)}`,
      );
    }
    const headers = { "content-type": "application/octet-stream" };
    const answer = await this.peer.ask({ method, url, body: bytes, headers, anonymous: true }, signal);
    if (answer.status < 200 || answer.status >= 300) throw this.errorOf(answer, `${what} at ${URL.parse(url)?.host}`);
  }

  /** Length of a file; undefined when there is none. */
  async lengthOf(path: string, signal: AbortSignal): Promise<number | undefined> {
    const url = this.urlOf(path, { op: "GETFILESTATUS" });
    const answer = await this.peer.ask({ method: "GET", url }, signal);
    if (answer.status === 404 && exceptionOf(answer)?.exception === "FileNotFoundException") return undefined;
    if (answer.status !== 200) throw this.errorOf(answer, `GETFILESTATUS ${path} at ${this.nameNode}`);
    const status = Status.safeParse(parseJson(answer.text)).data;
    if (status !== undefined) return status.FileStatus.length;
    throw new AppError(codes.EDGE_DESTINATION_WRONG, `GETFILESTATUS ${path}: no status: ${excerpt(answer.text)}`);
  }

  private urlOf(path: string, operation: WebHdfsOperation): string {
    const { user, delegation } = this.config;
    const query = new URLSearchParams(operation);
    if (delegation !== undefined) query.set("delegation", delegation);
    else if (user !== undefined) query.set("user.name", user);
    const encoded = path.split("/").map(encodeURIComponent).join("/");
    return `${this.nameNode.replace(/\/+$/, "")}/webhdfs/v1${encoded}?${query}`;
  }

  /** HDFS says most things with 403: what it means stands in the exception. Nothing of it is an event's fault. */
  private errorOf(answer: HttpAnswer, what: string): AppError {
    const { exception, message } = exceptionOf(answer) ?? { exception: "", message: answer.text };
    const words = `${what}: ${answer.status} ${exception} ${excerpt(message)}`;
    if (exception === "StandbyException") this.at++;
    const isRefused = exception === "AccessControlException" || exception === "SecurityException";
    if (isRefused || answer.status === 401) return new AppError(codes.EDGE_DESTINATION_AUTH, words);
    if (exception === "" && answer.status < 500) return new AppError(codes.EDGE_DESTINATION_WRONG, words);
    return new AppError("EDGE_DESTINATION_AWAY", words);
  }
}

function exceptionOf({ text }: HttpAnswer) {
  return Remote.safeParse(parseJson(text)).data?.RemoteException;
}

/** Undefined for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
