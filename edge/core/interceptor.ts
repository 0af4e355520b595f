import type { EventView } from "./event-view.ts";

/**
 * Looks at every event between the source and the selector: keeps it or drops it, gives it a key, a time, headers.
 * Runs synchronously on the hot path (Flume's org.apache.flume.interceptor.Interceptor, one event at a time).
 *
 * - `intercept` answers true to keep the event, false to drop it (counted as `filtered` under the interceptor's name).
 * - It never throws for what an event contains; what it cannot read it leaves as it is.
 * - It keeps no reference to the view or its buffer.
 */
export interface Interceptor {
  intercept(view: EventView): boolean;
}
