/**
 * What relay sinks send, taken as central takes it: same path, same words, same meaning of each answer. A body is read whole,
 * looked at whole, appended whole, and answered by the commit that holds it (`../../records/push-desk.ts`).
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Identity } from "../../../shared/identity/identity.ts";
import { bookedReport, countingReport } from "../../../shared/telemetry/counting-report.ts";
import type { Report } from "../../../shared/telemetry/log.ts";
import { readVia, viaHeader, viaMax } from "../../core/carried.ts";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { Connection } from "../../listeners/connection.ts";
import { BearerTokens } from "../../listeners/http/bearer.ts";
import { type Answer, headRefusal, letBodyCome, serveRequests } from "../../listeners/http/exchange.ts";
import { type RequestHead, readBody } from "../../listeners/http/request.ts";
import { Listener } from "../../listeners/listener.ts";
import { codes as recordCodes } from "../../records/codes.ts";
import { type Push, PushDesk } from "../../records/push-desk.ts";
import { answerOf, notOurs, problem, problemOf, taken } from "./answers.ts";
import { CarriedPush } from "./carried-push.ts";
import { codes } from "./codes.ts";
import type { Config } from "./config.ts";
import { type RelayedBody, readRelayedBody } from "./relayed-body.ts";
import { RelayedPush } from "./relayed-push.ts";
import { signals } from "./telemetry.ts";

/** What a sink says that a body is. A page of a browser may not send it unasked. */
const relayType = "application/vnd.tailgate.record-batches";

export class RelaySource implements Source {
  private readonly desk: PushDesk;
  private readonly listener: Listener;
  private readonly tokens: BearerTokens;
  private readonly counted: Report;
  private report: Report;
  private readonly counts = { requests: 0, records: 0, refused: 0, putOff: 0 };

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { sendersMax, answerWithin, waitingBytesMax, tokens = [], bodyBytesMax } = config;
    this.desk = new PushDesk({ sendersMax, answerWithinMs: answerWithin, bytesMax: waitingBytesMax });
    this.listener = new Listener(
      { ...config, asksCredentials: tokens.length > 0, heldBytesMax: 4 * bodyBytesMax + limits.readBytes },
      context,
    );
    this.tokens = new BearerTokens(tokens);
    const { report, metrics, name } = context;
    this.counted = countingReport(signals, {
      report: (signal, fields) => report(signal, { component: name, ...fields }),
      metrics,
      labels: { source: name },
    });
    this.report = this.counted;
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.report = bookedReport(this.counted, (name, amount) => intake.count(name, amount));
    if (!intake.durable) this.report(signals.notDurable);
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
      refuse: notOurs,
      answered: ({ status, body }) => {
        this.counts.requests++;
        if (typeof body.records === "number") this.counts.records += body.records;
        else if (status === 429 || status >= 500) this.counts.putOff++;
        else this.counts.refused++;
      },
      nowMs: () => this.context.clock.now(),
    });
  }

  private async answer(connection: Connection, head: RequestHead): Promise<Answer | undefined> {
    const { bodyBytesMax, certificateNamesAgent } = this.config;
    const refusal = this.refusal(head);
    if (refusal !== undefined) return refusal;
    await letBodyCome(connection, head);
    const bytes = await readBody(connection, head, bodyBytesMax);
    if (bytes === undefined) return undefined;
    if ("status" in bytes) return bytes.status === 413 ? tooLarge(bytes.reason) : notOurs(bytes);
    // Changes nothing, and tells whether the token is good.
    if (bytes.length === 0) return taken(0, true);
    try {
      // A certificate without a name speaks for nobody.
      const body = readRelayedBody(bytes, certificateNamesAgent ? (connection.peerName ?? "") : undefined);
      const via = readVia(head.headers.get(viaHeader) ?? "") ?? [];
      return answerOf(await this.desk.offer(this.pushOf(body, via), connection.left), body.records);
    } catch (thrown) {
      const answer = thrown instanceof AppError ? problemOf(thrown) : undefined;
      if (answer === undefined || !(thrown instanceof AppError)) throw thrown;
      this.report(signals.refused, { peer: connection.peer, code: thrown.code, reason: thrown.message });
      return answer;
    }
  }

  private pushOf(body: RelayedBody, via: readonly string[]): Push {
    const { take, keepOrigin } = this.config;
    const cameAgain = (lane: string, records: number) => this.report(signals.cameAgain, { lane, records });
    if (take === "batches") return new CarriedPush(body, via, cameAgain);
    return new RelayedPush(body, {
      keepOrigin,
      cameAgain,
      shed: (lane, marker, records) => this.shed(lane, marker, records),
    });
  }

  /** What is refused for its head alone, before a byte of the body is read. */
  private refusal(head: RequestHead): Answer | undefined {
    const { method, url, headers } = head;
    const { path, bodyBytesMax } = this.config;
    if (this.tokens.areAsked && !this.tokens.know(headers.get("authorization"))) {
      const more = { ends: true, headers: "www-authenticate: Bearer\r\n" };
      return problem(codes.EDGE_RELAY_TOKEN, "no token, or one that is not known here", more);
    }
    if (url.pathname !== path) return notOurs({ status: 404, reason: `only ${path} is here` });
    if (method !== "POST") return notOurs({ status: 405, reason: "only POST" }, "allow: POST\r\n");
    const type = headers.get("content-type") ?? "";
    const coding = headers.get("content-encoding") ?? "identity";
    if (type.split(";")[0]?.trim().toLowerCase() !== relayType || coding.toLowerCase() !== "identity") {
      return problem(codes.EDGE_RELAY_TYPE, `it says that it is "${type}", encoded as ${coding}`, { ends: true });
    }
    const circle = this.circle(headers.get(viaHeader));
    if (circle !== undefined) return circle;
    const refused = headRefusal(head, bodyBytesMax);
    if (refused === undefined) return undefined;
    return refused.status === 413 ? tooLarge(refused.reason) : notOurs(refused);
  }

  /** A batch that came by here would be taken for a repeat, and whoever sends it would let go of it. */
  private circle(text: string | undefined): Answer | undefined {
    const via = text === undefined ? [] : readVia(text);
    if (via === undefined) return notOurs({ status: 400, reason: `${viaHeader} is no list of names` });
    const { agent } = this.context;
    if (!via.includes(agent) && via.length <= viaMax) return undefined;
    this.report(signals.ring, { via: via.slice(-viaMax).join(", ") });
    return problem(recordCodes.EDGE_RELAY_RING, `it came by ${via.slice(-viaMax).join(", ")}, and this is ${agent}`, {
      ends: true,
    });
  }

  private shed(lane: string, { first, last, reason }: Identity, records: number): void {
    this.report(signals.shed, { lane, first, last, reason, records });
  }
}

function tooLarge(reason: string): Answer {
  return problem(codes.EDGE_RELAY_TOO_LARGE, reason, { ends: true });
}
