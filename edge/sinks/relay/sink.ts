import { X509Certificate } from "node:crypto";
import { AppError } from "../../../shared/errors/app-error.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import { readSigningKey } from "../../../shared/signature/keys.ts";
import { countingReport } from "../../../shared/telemetry/counting-report.ts";
import { viaHeader, viaText } from "../../core/carried.ts";
import type { SinkContext } from "../../core/context.ts";
import type { LaneNotes } from "../../core/lane-notes.ts";
import type { Finding, LaneDelivery, Sink } from "../../core/sink.ts";
import { Comeback } from "../../records/comeback.ts";
import { errorOf, HttpPeer } from "../../records/http-peer.ts";
import { foreignAnswer, verdictOf } from "./answer.ts";
import type { Config } from "./config.ts";
import { RelayLane, type RelayTools } from "./lane.ts";
import { RelayMetrics, signals } from "./telemetry.ts";

/** Central's route, and what it wants to hear that a body is. */
const path = "/api/v1/relay";
const contentType = "application/vnd.tailgate.record-batches";
const never = new AbortController().signal;

/** Posts batches to central as they stand. Connects when the first batch comes; a vehicle starts offline. */
export class RelaySink implements Sink {
  readonly knowsRepeats = true;
  private readonly url: URL;
  private readonly peer: HttpPeer;
  private readonly comeback: Comeback;
  private readonly tools: RelayTools;

  constructor(
    private readonly config: Config,
    context: SinkContext,
  ) {
    const { metrics, name, random } = context;
    this.url = new URL(config.url);
    if (this.url.pathname === "/") this.url.pathname = path;
    const { token, tls, timeout } = config;
    this.peer = new HttpPeer({ token, tls, timeout });
    const host = this.url.hostname.replace(/^\[|\]$/g, "");
    const port = this.url.port === "" ? (this.url.protocol === "https:" ? 443 : 80) : Number(this.url.port);
    this.comeback = new Comeback({ servers: [{ host, port }], ask: () => this.post(new Uint8Array(), never), random });
    const report = countingReport(signals, {
      report: (signal, fields) => context.report(signal, { component: name, ...fields }),
      metrics,
      labels: { sink: name },
    });
    this.tools = {
      context,
      report,
      metrics: new RelayMetrics(metrics, name),
      comeback: this.comeback,
      signingKey: signingKeyOf(config),
      post: (body, signal, via) => this.post(body, signal, via),
    };
  }

  async start(): Promise<void> {}

  lane({ lane }: Pick<LaneNotes, "lane">): LaneDelivery {
    return new RelayLane(lane, this.tools);
  }

  /** An empty body changes nothing, and is answered as a full one would be by whoever looks at keys. */
  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const what = this.url.href;
    try {
      const answer = await this.post(new Uint8Array(), signal);
      const verdict = verdictOf(answer, 0);
      if (verdict === "taken") return [{ what, says: `central answers, and takes our key${this.otherName()}` }];
      return [
        { what, error: verdict === "wrong" ? foreignAnswer(answer, "ask central") : errorOf(answer, "ask central") },
      ];
    } catch (thrown) {
      const error =
        thrown instanceof AppError ? thrown : new AppError("EDGE_DESTINATION_AWAY", what, { cause: thrown });
      return [{ what, error }];
    }
  }

  /** An empty body names no agent, so this is not asked there; whether it matters is a key of the other side's config. */
  private otherName(): string {
    const { agent } = this.tools.context;
    const name = nameIn(this.config.tls?.cert);
    if (name === undefined || name === agent) return "";
    return `; but our certificate names "${name}", and our records agent "${agent}": with \`certificateNamesAgent\` there, every batch is refused (403)`;
  }

  async stop(): Promise<void> {
    this.comeback.stop();
  }

  status(): Readonly<Record<string, unknown>> {
    const { signingKey, metrics } = this.tools;
    return {
      url: this.url.href,
      lastAnswer: this.peer.last,
      batches: metrics.batches.value,
      putOff: metrics.putOff.value,
      signedBy: signingKey?.publicText,
    };
  }

  private post(body: Uint8Array, signal: AbortSignal, via: readonly string[] = []) {
    const http2 = this.config.http === "2";
    const headers = {
      "content-type": contentType,
      ...(via.length === 0 ? {} : { [viaHeader]: viaText(via) }),
    };
    return this.peer.ask({ method: "POST", url: this.url.href, body, headers, http2 }, signal);
  }
}

/** The common name that a certificate has. */
function nameIn(cert: string | undefined): string | undefined {
  if (cert === undefined) return undefined;
  return /^CN=(.+)$/m.exec(new X509Certificate(cert).subject)?.[1];
}

function signingKeyOf({ signingKey }: Config) {
  if (signingKey === undefined) return undefined;
  const read = readSigningKey(signingKey);
  invariant(read.ok, "the config's check has read the key");
  return read.value;
}
