/** The way of one event through the links of a chain, for the intake and for `tailgate test`: what is tested is what runs. */
import { bytesOfText, textOfBytes } from "../../shared/kafka/record-batch/byte-text.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";
import { limits } from "../core/limits.ts";

/** Cuts what is longer than any line may be; true when it did. */
export function cutOversized(view: EventView): boolean {
  if (view.end - view.start <= limits.lineBytesMax) return false;
  view.end = view.start + limits.lineBytesMax;
  return true;
}

/** Through the interceptors, in order: the index of the one that dropped it, or -1 when it came through. */
export function droppedBy(view: EventView, interceptors: readonly Interceptor[]): number {
  for (let index = 0; index < interceptors.length; index++) {
    if (interceptors[index]?.intercept(view) !== true) return index;
  }
  if (view.key !== undefined && view.key.length > limits.keyBytesMax / 4) view.key = cutKey(view.key);
  return -1;
}

/** A key is a vehicle's name: what is longer than any name is cut at the bound (UTF-8 bytes), never in half a character. */
function cutKey(key: string): string {
  const bytes = bytesOfText(key);
  if (bytes.length <= limits.keyBytesMax) return key;
  if (!key.isWellFormed()) return textOfBytes(bytes.subarray(0, limits.keyBytesMax));
  return bytes.toString("utf8", 0, limits.keyBytesMax).replace(/\uFFFD+$/, "");
}
