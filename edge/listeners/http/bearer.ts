import { createHash, timingSafeEqual } from "node:crypto";

/** The tokens that senders may show (RFC 6750). How long a look takes tells nothing of them. */
export class BearerTokens {
  private readonly digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.digests = tokens.map(digest);
  }

  /** Whether one is asked for at all. */
  get areAsked(): boolean {
    return this.digests.length > 0;
  }

  /** Whether the value of a header `Authorization` holds one of them. */
  know(authorization = ""): boolean {
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
