/**
 * The one cursor of all lists: where the next page begins, bound to the query that made it.
 *
 * A cursor holds the position in the order of the list and a digest over route, query and position. The digest is no
 * secret: it turns away what is damaged, made up, or from another route or other parameters, whose pages would otherwise be
 * silently wrong. `limit` is no part of the query: it may change from page to page.
 */

import { createHash } from "node:crypto";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";

/** What a position and a query are made of. */
export type CursorValue = string | number | null;

/** Longest position: two names of 256 bytes, escaped; more than any list has. */
const cursorLengthMax = 8_192;
const digestBytes = 9;

/** Cursors of one query. */
export class Cursors<Position extends readonly CursorValue[]> {
  /**
   * `route`: which list. `query`: the parameters that decide what is in it and in which order. `isPosition`: whether
   * values are a position of this list.
   */
  constructor(
    private readonly route: string,
    private readonly query: readonly CursorValue[],
    private readonly isPosition: (values: readonly unknown[]) => values is Position,
  ) {}

  /** Opaque text, fit for a URL as it is. */
  write(position: Position): string {
    return Buffer.concat([this.digest(position), Buffer.from(JSON.stringify(position))]).toString("base64url");
  }

  /** @throws AppError `CENTRAL_BAD_REQUEST` when this query did not make it. */
  read(text: string | undefined): Position | undefined {
    if (text === undefined) return undefined;
    const position = this.parse(text);
    if (position !== undefined) return position;
    throw new AppError(
      codes.CENTRAL_BAD_REQUEST,
      `read the cursor "${text.slice(0, 40)}": it is none of this query's`,
      {
        hint: "Send `next` of the page before as it came, with the same parameters as then; `limit` may change. Without a cursor the list begins anew.",
      },
    );
  }

  private parse(text: string): Position | undefined {
    if (text.length > cursorLengthMax || !/^[\w-]+$/.test(text)) return undefined;
    const bytes = Buffer.from(text, "base64url");
    const values = parseJson(bytes.toString("utf8", digestBytes));
    if (!Array.isArray(values) || !this.isPosition(values)) return undefined;
    // Written again it must be the same text: one position has one cursor.
    return this.write(values) === text ? values : undefined;
  }

  private digest(position: Position): Buffer {
    const text = JSON.stringify([this.route, this.query, position]);
    return createHash("sha256").update(text).digest().subarray(0, digestBytes);
  }
}

/** A position of so many whole numbers. */
export function isNumbers<Length extends 1 | 3>(
  length: Length,
): (values: readonly unknown[]) => values is Length extends 1 ? readonly [number] : readonly [number, number, number] {
  return (values): values is Length extends 1 ? readonly [number] : readonly [number, number, number] =>
    values.length === length && values.every(Number.isSafeInteger);
}

/** A position that is one name. */
export function isName(values: readonly unknown[]): values is readonly [string] {
  return values.length === 1 && typeof values[0] === "string";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
