import { createHash, timingSafeEqual } from "node:crypto";
import { sleep } from "../../shared/async/sleep.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { ApiKey, Scope } from "../config/api-key.ts";
import { requestRefused } from "../telemetry.ts";
import { codes } from "./codes.ts";
import type { RateLimit } from "./rate-limit.ts";

/** How wrong keys are slowed. */
export interface GuardOptions {
  readonly keys: readonly ApiKey[];
  readonly report: Report;
  /** How long the answer to a wrong key is held back; a guesser then gets some hundred tries a second, for ever. */
  readonly refusalDelayMs?: number;
  /** How often each key may ask. */
  readonly rateLimit: RateLimit;
  /** What is relayed needs a client certificate. */
  readonly relayNeedsCertificate?: boolean | undefined;
}

/** Who asks for what. */
export interface AccessQuestion {
  readonly authorization: string | undefined;
  /** Common name of the client's certificate, which the TLS handshake has proved. */
  readonly certificate?: string | undefined;
  readonly path: string;
  readonly traceId: string | undefined;
}

/** Refusals that wait at the same time; more are turned away at once, so that waiting costs no memory. */
const waitingMax = 32;

/** Checks keys. Without any, everybody may ask: the config allows that on loopback only. */
export class Guard {
  private readonly keys: readonly (Omit<ApiKey, "sha256"> & { readonly digest: Buffer })[];
  private waiting = 0;

  constructor(private readonly options: GuardOptions) {
    this.keys = options.keys.map(({ sha256, ...key }) => ({ ...key, digest: Buffer.from(sha256, "hex") }));
  }

  /**
   * Returns the name of the key, or of the client's certificate; empty when nobody is asked for one. A certificate is good for
   * the relay alone: it stands in the place of a key with that scope.
   *
   * @throws AppError `CENTRAL_UNAUTHORIZED`, `CENTRAL_FORBIDDEN`, `CENTRAL_RATE_LIMITED` or `CENTRAL_TOO_MANY_REFUSALS`.
   */
  async check(scope: Scope, { authorization, certificate, path, traceId }: AccessQuestion): Promise<string> {
    if (scope === "relay" && certificate !== undefined) return certificate;
    if (scope === "relay" && this.options.relayNeedsCertificate === true) {
      this.options.report(requestRefused, { path, traceId, reason: "no client certificate" });
      throw new AppError(codes.CENTRAL_CERTIFICATE_NEEDED, `${path}: no client certificate`);
    }
    if (this.keys.length === 0) {
      if (scope !== "operate") return "";
      // Every user of this machine can ask on loopback, and the books are not theirs to close.
      const hint = "Set an apiKey, or one of `apiKeys` with the scope operate: what changes the books is never open.";
      throw new AppError(codes.CENTRAL_FORBIDDEN, `${path}: there are no keys, and this needs one`, { hint });
    }
    const given = /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? "")?.[1];
    if (given === undefined) throw new AppError(codes.CENTRAL_UNAUTHORIZED, `${path}: no API key`);
    const key = this.find(given);
    if (key === undefined) return await this.refuse(path, traceId);
    // What is relayed has bounds of its own, and one key may be a whole fleet's.
    if (scope !== "relay") this.options.rateLimit.spend(key.name, path);
    if (key.scopes.includes(scope)) return key.name;
    this.options.report(requestRefused, { path, key: key.name, traceId, reason: `it lacks the scope ${scope}` });
    throw new AppError(codes.CENTRAL_FORBIDDEN, `${path}: the key "${key.name}" lacks the scope "${scope}"`);
  }

  /** Looks at every key, in constant time each: how long it takes tells nothing. */
  private find(given: string) {
    const digest = createHash("sha256").update(given).digest();
    let found: (typeof this.keys)[number] | undefined;
    for (const key of this.keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }

  private async refuse(path: string, traceId: string | undefined): Promise<never> {
    this.options.report(requestRefused, { path, traceId, reason: "a wrong API key" });
    if (this.waiting >= waitingMax) {
      throw new AppError(codes.CENTRAL_TOO_MANY_REFUSALS, `${path}: a wrong API key, as many others just now`);
    }
    this.waiting++;
    try {
      await sleep(this.options.refusalDelayMs ?? 300, new AbortController().signal);
    } finally {
      this.waiting--;
    }
    throw new AppError(codes.CENTRAL_UNAUTHORIZED, `${path}: a wrong API key`);
  }
}
