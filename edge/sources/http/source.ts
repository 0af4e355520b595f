import { createHash, timingSafeEqual } from "node:crypto";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { Connection } from "../../listeners/connection.ts";
import { Listener } from "../../listeners/listener.ts";
import { type PushAnswer, PushDesk } from "../../records/push-desk.ts";
import { decodeBody } from "./body.ts";
import type { Config } from "./config.ts";
import { eventsOf } from "./events.ts";
import { type Refused, type RequestHead, readBody, readHead } from "./request.ts";

/** A page of answers: what is said, and whether the connection goes on. */
interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number | boolean>>;
  readonly headers?: string;
  readonly ends?: boolean;
}

const reasons: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  417: "Expectation Failed",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/** Events over HTTP; what is answered stands in `answerOf`. */
export class HttpSource implements Source {
  private readonly desk: PushDesk;
  private readonly listener: Listener;
  private readonly digests: readonly Buffer[];
  private readonly counts = { requests: 0, refused: 0 };

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { sendersMax, answerWithin, tokens = [], bodyBytesMax } = config;
    this.desk = new PushDesk({ sendersMax, answerWithinMs: answerWithin });
    this.listener = new Listener(
      { ...config, asksCredentials: tokens.length > 0, heldBytesMax: 4 * bodyBytesMax + limits.readBytes },
      context,
    );
    this.digests = tokens.map(digest);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.listener.open((connection) => this.serve(connection));
    await Promise.all([this.desk.run(intake, signal), this.listener.run(signal)]);
  }

  async stop(): Promise<void> {
    await this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.listener.status(), ...this.counts, ...this.desk.status() };
  }

  private async serve(connection: Connection): Promise<void> {
    for (;;) {
      const head = await readHead(connection);
      if (head === undefined) return;
      const answer = "status" in head ? refuse(head) : await this.answer(connection, head);
      // The peer has left: nobody is there to be answered.
      if (answer === undefined) return;
      this.counts.requests++;
      if (answer.status >= 400) this.counts.refused++;
      const ends = answer.ends === true || "status" in head || !head.keepAlive || connection.isStopping;
      if (!(await connection.write(render(answer, ends, this.context.clock.now()))) || ends) return;
    }
  }

  private async answer(connection: Connection, head: RequestHead): Promise<Answer | undefined> {
    const { bodyBytesMax } = this.config;
    const refusal = this.refusal(head);
    if (refusal !== undefined) return refusal;
    if (head.headers.has("expect")) await connection.write("HTTP/1.1 100 Continue\r\n\r\n");
    const raw = await readBody(connection, head, bodyBytesMax);
    if (raw === undefined) return undefined;
    if ("status" in raw) return refuse(raw);
    const body = decodeBody(raw, head.headers.get("content-encoding") ?? "", bodyBytesMax);
    if ("status" in body) return refuse(body, false);
    const events = eventsOf(body, head, this.config);
    if ("status" in events) return refuse(events, false);
    return answerOf(await this.desk.offer(events, connection.left), events.length);
  }

  /** What is refused for its head alone. */
  private refusal({ method, url, headers, body }: RequestHead): Answer | undefined {
    const { path, bodyBytesMax, tls } = this.config;
    if (this.digests.length > 0 && !this.knows(headers.get("authorization"))) {
      return refuse(
        { status: 401, reason: "say Authorization: Bearer and a token" },
        true,
        "www-authenticate: Bearer\r\n",
      );
    }
    // A page in a browser can send to this address without being asked; a program does not say an origin.
    if (headers.has("origin") && this.digests.length === 0 && tls?.clientCa === undefined) {
      return refuse({ status: 403, reason: "a page of a browser is not taken without a token" });
    }
    if (method !== "POST") return refuse({ status: 405, reason: "only POST" }, true, "allow: POST\r\n");
    if (path !== undefined && url.pathname !== path) return refuse({ status: 404, reason: `only ${path} is here` });
    const expect = headers.get("expect");
    if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
      return refuse({ status: 417, reason: "only 100-continue can be expected" });
    }
    if (body.kind === "length" && body.bytes > bodyBytesMax) {
      return refuse({ status: 413, reason: `the body is larger than ${bodyBytesMax} bytes` });
    }
    return undefined;
  }

  private knows(authorization = ""): boolean {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
    const given = digest(token ?? "");
    let known = false;
    for (const each of this.digests) if (timingSafeEqual(each, given)) known = true;
    return known && token !== undefined;
  }
}

function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** Before the body was read the connection has to end: what follows would be taken for a request. */
function refuse({ status, reason, index }: Refused & { index?: number }, ends = true, headers = ""): Answer {
  return { status, ends, headers, body: { error: reason, ...(index === undefined ? {} : { index }) } };
}

/** 200: taken, and `durable` says whether a crash can lose it. 503: nothing was taken. 504: nobody knows. */
function answerOf(answer: PushAnswer, events: number): Answer | undefined {
  switch (answer.kind) {
    case "taken":
      return { status: 200, body: { events, durable: answer.durable } };
    case "unknown":
      return { status: 504, body: { error: "it may have been taken: sent again it may be there twice" } };
    case "not_taken":
      if (answer.reason === "gave_up") return undefined;
      if (answer.reason === "too_large") return { status: 413, body: { error: "too large" } };
      return {
        status: 503,
        body: { error: `nothing was taken: ${answer.reason}`, reason: answer.reason },
        headers: `retry-after: ${answer.reason === "busy" ? 1 : 5}\r\n`,
      };
  }
}

function render({ status, body, headers = "" }: Answer, ends: boolean, nowMs: number): Buffer {
  const text = `${JSON.stringify(body)}\n`;
  const connection = ends ? "connection: close\r\n" : "";
  const date = new Date(nowMs).toUTCString();
  return Buffer.from(
    `HTTP/1.1 ${status} ${reasons[status] ?? "Error"}\r\ndate: ${date}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n${connection}${headers}\r\n${text}`,
  );
}
