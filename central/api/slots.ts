/** So many at once and no more: what is expensive is turned away when it begins, not slowed while it runs. */
import { AppError } from "../../shared/errors/app-error.ts";
import type { ErrorCode } from "../../shared/errors/error-code.ts";

export class RequestSlots {
  private taken = 0;

  constructor(
    private readonly max: number,
    private readonly code: ErrorCode,
  ) {}

  /**
   * Takes one, until the returned function is called; calling it twice gives nothing back twice.
   *
   * @throws AppError with the code when all are taken.
   */
  take(doing: string): () => void {
    if (this.taken >= this.max) {
      throw new AppError(this.code, `${doing}: ${this.max} are running already`, { retryAfterMs: 5_000 });
    }
    this.taken++;
    let back = false;
    return () => {
      if (back) return;
      back = true;
      this.taken--;
    };
  }
}
