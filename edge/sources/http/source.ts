import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { Connection } from "../../listeners/connection.ts";
import { BearerTokens } from "../../listeners/http/bearer.ts";
import { decodeBody } from "../../listeners/http/body.ts";
import { type Answer, headRefusal, letBodyCome, serveRequests } from "../../listeners/http/exchange.ts";
import { type Refused, type RequestHead, readBody } from "../../listeners/http/request.ts";
import { Listener } from "../../listeners/listener.ts";
import { type PushAnswer, PushDesk } from "../../records/push-desk.ts";
import type { Config } from "./config.ts";
import { eventsOf } from "./events.ts";

/** Events over HTTP; what is answered stands in `answerOf`. */
export class HttpSource implements Source {
  private readonly desk: PushDesk;
  private readonly listener: Listener;
  private readonly tokens: BearerTokens;
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
    this.tokens = new BearerTokens(tokens);
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

  private serve(connection: Connection): Promise<void> {
    return serveRequests(connection, {
      answer: (head) => this.answer(connection, head),
      refuse,
      answered: ({ status }) => {
        this.counts.requests++;
        if (status >= 400) this.counts.refused++;
      },
      nowMs: () => this.context.clock.now(),
    });
  }

  private async answer(connection: Connection, head: RequestHead): Promise<Answer | undefined> {
    const { bodyBytesMax } = this.config;
    const refusal = this.refusal(head);
    if (refusal !== undefined) return refusal;
    await letBodyCome(connection, head);
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
  private refusal(head: RequestHead): Answer | undefined {
    const { method, url, headers } = head;
    const { path, bodyBytesMax, tls } = this.config;
    if (this.tokens.areAsked && !this.tokens.know(headers.get("authorization"))) {
      return refuse(
        { status: 401, reason: "say Authorization: Bearer and a token" },
        true,
        "www-authenticate: Bearer\r\n",
      );
    }
    // A page in a browser can send to this address without being asked; a program does not say an origin.
    if (headers.has("origin") && !this.tokens.areAsked && tls?.clientCa === undefined) {
      return refuse({ status: 403, reason: "a page of a browser is not taken without a token" });
    }
    if (method !== "POST") return refuse({ status: 405, reason: "only POST" }, true, "allow: POST\r\n");
    if (path !== undefined && url.pathname !== path) return refuse({ status: 404, reason: `only ${path} is here` });
    const refused = headRefusal(head, bodyBytesMax);
    return refused === undefined ? undefined : refuse(refused);
  }
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
