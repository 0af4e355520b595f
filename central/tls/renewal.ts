import type { Clock } from "../../shared/clock/clock.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import { type Certificate, type CertificateFiles, readCertificate, stampOf } from "../config/certificate.ts";
import { signals } from "./telemetry.ts";

/** How soon files that have changed count. */
const lookEveryMs = 5_000;
/** How often it is said that the certificate is over. */
const sayEveryMs = 600_000;

/** Where the certificate is, and who takes another one. */
export interface RenewalOptions {
  readonly files: CertificateFiles;
  readonly clock: Clock;
  readonly report: Report;
  /** The files hold another certificate, which can be used. */
  readonly take: (certificate: Certificate) => void;
}

/** Looks whether the files of the certificate have changed. What cannot be used changes nothing, and is said. */
export class Renewal {
  private stamp: string;
  private expiresMs: number;
  private saidMs = Number.NEGATIVE_INFINITY;
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly options: RenewalOptions,
    first: Certificate,
  ) {
    this.stamp = stampOf(options.files);
    this.expiresMs = first.expiresMs;
    this.timer = setInterval(() => this.look(), lookEveryMs);
    this.timer.unref();
    this.sayExpired();
  }

  /** Of the certificate in force. */
  get certificateExpiresMs(): number {
    return this.expiresMs;
  }

  look(): void {
    const { files, report, take } = this.options;
    this.sayExpired();
    const stamp = stampOf(files);
    if (stamp === this.stamp) return;
    this.stamp = stamp;
    const read = readCertificate(files);
    if (!read.ok) {
      report(signals.renewalRefused, { file: files[read.field], why: read.message });
      return;
    }
    const { certificate } = read;
    take(certificate);
    this.expiresMs = certificate.expiresMs;
    report(signals.renewed, { subject: certificate.subject, expires: new Date(certificate.expiresMs).toISOString() });
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private sayExpired(): void {
    const { clock, report, files } = this.options;
    const nowMs = clock.now();
    if (nowMs < this.expiresMs || clock.uptimeMs() - this.saidMs < sayEveryMs) return;
    this.saidMs = clock.uptimeMs();
    report(signals.expired, { file: files.cert, since: new Date(this.expiresMs).toISOString() });
  }
}
