import { type Code, codes } from "./codes.ts";
import type { ErrorCode, Severity } from "./error-code.ts";

/** What else an error may carry. */
export interface AppErrorOptions {
  /** The error that led to this one; shown after it in the log. */
  readonly cause?: unknown;
  /** How long the other side asked us to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Nothing of what was to be sent can have reached the other side: whoever else delivers it repeats nothing. */
  readonly nothingSent?: boolean;
  /** A hint better than the code's own, where the place knows more. */
  readonly hint?: string;
}

/**
 * The one error class. The message says what was being done, to what, and what happened
 * (`put 500 events into channel "main": disk full (free 12 MiB, need 64 MiB)`); the code's hint says what to do.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  /** The code's name. */
  readonly code: string;
  /** The code as it was declared. */
  readonly declared: ErrorCode;
  readonly severity: Severity;
  readonly hint: string;
  readonly retryAfterMs: number | undefined;
  readonly nothingSent: boolean;

  /** @param code one of those that several parts say, by name; or one of the component's own, as it was declared. */
  constructor(code: Code | ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.declared = declaredCode(code);
    this.code = this.declared.name;
    this.severity = this.declared.severity;
    this.hint = options.hint ?? this.declared.hint;
    this.retryAfterMs = options.retryAfterMs;
    this.nothingSent = options.nothingSent ?? false;
  }
}

/** Whether it is an `AppError` of one of these codes. */
export function hasCode(thrown: unknown, ...wanted: readonly (Code | ErrorCode)[]): thrown is AppError {
  return thrown instanceof AppError && wanted.some((code) => declaredCode(code).name === thrown.code);
}

/** Whether nobody may go on behind it: the process stops, and its supervisor starts it again. */
export function endsProcess(thrown: unknown): boolean {
  return thrown instanceof AppError && (thrown.severity === "invariant" || thrown.severity === "restart");
}

/** A code as it was declared. */
export function declaredCode(code: Code | ErrorCode): ErrorCode {
  return typeof code === "string" ? codes[code] : code;
}

/** The message of anything that was thrown, with the messages of its causes after it. */
export function messageOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const cause = thrown.cause === undefined ? "" : `: ${messageOf(thrown.cause)}`;
  return `${thrown.message}${cause}`;
}
