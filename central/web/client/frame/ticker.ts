import { signal } from "@preact/signals";

/** The browser's steady clock, twice a second: ages go on whatever becomes of the questions. */
export const tickMs = signal(performance.now());

setInterval(() => {
  tickMs.value = performance.now();
}, 500);

/** The wall clock, as far as the browser's can be believed. */
export function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
