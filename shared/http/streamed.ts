/**
 * A body that is made while it is read: the next part when the client has taken the one before, so that a slow client
 * holds one part and nothing more. A client that goes away, or takes nothing for `stallMs`, ends the making.
 */
import { othersTurn } from "../async/others-turn.ts";

/** What a body is made of, and who is told of its end. */
export interface StreamedBody {
  readonly parts: AsyncGenerator<Uint8Array>;
  /** A client that takes nothing for so long is cut off. */
  readonly stallMs: number;
  /** Called once, whatever the end was. */
  readonly ended: (end: StreamEnd) => void;
}

/** How a body ended. In all cases but the first the connection is cut, so that nobody takes a part for the whole. */
export type StreamEnd =
  | { readonly kind: "whole" }
  | { readonly kind: "gone" }
  | { readonly kind: "stalled" }
  | { readonly kind: "failed"; readonly error: unknown };

/** The body as what `Response` takes. */
export function streamed({ parts, stallMs, ended }: StreamedBody): ReadableStream<Uint8Array> {
  let over = false;
  let stall: ReturnType<typeof setTimeout> | undefined;
  const end = (kind: StreamEnd) => {
    clearTimeout(stall);
    if (over) return;
    over = true;
    ended(kind);
    // It may be in the middle of a part: what becomes of that one interests nobody.
    parts.return(undefined).catch(() => undefined);
  };
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        clearTimeout(stall);
        // A client that takes all at once would be served from microtasks alone, and nobody else heard until the end.
        await othersTurn();
        if (over) return;
        try {
          const { value, done } = await parts.next();
          if (over) return;
          if (done === true) {
            end({ kind: "whole" });
            controller.close();
            return;
          }
          stall = setTimeout(() => {
            end({ kind: "stalled" });
            controller.error(new Error("the client takes nothing"));
          }, stallMs);
          controller.enqueue(value);
        } catch (thrown) {
          end({ kind: "failed", error: thrown });
          controller.error(thrown);
        }
      },
      cancel: () => end({ kind: "gone" }),
    },
    { highWaterMark: 0 },
  );
}
