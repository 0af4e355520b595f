/**
 * What an answer means. Events leave the channel for good by two of them, "taken" and "refused", so these two count only
 * when they are central's own words: a proxy, the login page of a hotel's network or another program on that port answer
 * 200, 400 or 413 to whatever is posted.
 */
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../../records/codes.ts";
import { errorOf, excerpt, type HttpAnswer, type Meaning, meaningOf } from "../../records/http-peer.ts";

/** The meaning of an answer to a body of so many records. */
export function verdictOf(answer: HttpAnswer, records: number): Meaning {
  const meaning = meaningOf(answer.status);
  switch (meaning) {
    case "taken":
      return storedBy(answer) === records ? "taken" : "wrong";
    case "refused":
      return isProblemOfCentral(answer) ? "refused" : "wrong";
    case "too_large":
    case "unauthorized":
    case "again":
    case "wrong":
      return meaning;
  }
}

/** Whether central itself says no; a proxy may have a smaller limit, or no idea of what it is sent. */
export function isProblemOfCentral(answer: HttpAnswer): boolean {
  return problemOf(answer) !== undefined;
}

/** The code of a refusal in central's or an aggregator's own words. */
export function problemOf(answer: HttpAnswer): string | undefined {
  const type = read(answer)?.type;
  const prefix = "urn:tailgate:";
  return typeof type === "string" && type.startsWith(prefix) ? type.slice(prefix.length) : undefined;
}

/** The error for an answer that is not central's, or that only somebody on the way can have given. */
export function foreignAnswer(answer: HttpAnswer, what: string): AppError {
  if (meaningOf(answer.status) === "wrong") return errorOf(answer, what);
  const said = excerpt(answer.text, 100);
  const message = `${what}: ${answer.status}, and not in central's words: ${said === "" ? "nothing" : said}`;
  return new AppError(codes.EDGE_DESTINATION_WRONG, message, {
    hint: "A login page, a proxy or another program answers at this address; of a proxy look at its limit of a body (4 MiB are wanted). The channel holds the events.",
  });
}

/** How many records central says that its store has of the body. */
function storedBy(answer: HttpAnswer): unknown {
  return read(answer)?.records;
}

/** What we look for in an answer's JSON. */
type Words = { readonly type?: unknown; readonly records?: unknown };

function read({ text, cut }: HttpAnswer): Words | undefined {
  if (cut) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
