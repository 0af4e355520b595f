import { type Code, codes, type Severity } from "./codes.ts";

/** What else an error may carry. */
export interface AppErrorOptions {
  /** The error that led to this one; shown after it in the log. */
  readonly cause?: unknown;
  /** How long the other side asked us to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** A hint better than the code's own, where the place knows more. */
  readonly hint?: string;
}

/**
 * The one error class. The message says what was being done, to what, and what happened
 * (`put 500 events into channel "main": disk full (free 12 MiB, need 64 MiB)`); the code's hint says what to do.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly severity: Severity;
  readonly hint: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly code: Code,
    message: string,
    options: AppErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.severity = codes[code].severity;
    this.hint = options.hint ?? codes[code].hint;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The message of anything that was thrown, with the messages of its causes behind it. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `: ${messageOf(thrown.cause)}`;
  return `${thrown.message}${cause}`;
}
