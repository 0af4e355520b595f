/**
 * Preloaded into a process under test (`bun --preload listener-watch.ts …`), its workers included: counts the listeners that
 * live on one object. Whatever waits again and again on something that lives as long as the process, and does not take
 * its listener away, grows without end. The runtime warns of event emitters alone, and only of those; here the signals
 * that end a wait are counted too. The most that was ever seen goes into the file that `LISTENER_WATCH` names, a line of
 * JSON for each thread.
 */
import { EventEmitter } from "node:events";
import { appendFileSync } from "node:fs";
import { threadId } from "node:worker_threads";
import { z } from "zod";

/** Most listeners that one object had at one time, and who added the last one of these. */
const most = z.object({ thread: z.number(), of: z.string(), listeners: z.number(), stack: z.string() });
export type MostListeners = z.output<typeof most>;

const found = new Map<string, MostListeners>();
const path = process.env.LISTENER_WATCH;

function note(of: string, listeners: number): void {
  if (listeners <= (found.get(of)?.listeners ?? 1)) return;
  found.set(of, { thread: threadId, of, listeners, stack: new Error("added").stack ?? "" });
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(found.get(of))}\n`);
}

/** What the threads of a process have written: the most for each kind of object. */
export function readListenerWatch(text: string): readonly MostListeners[] {
  const lines = text.split("\n").filter((line) => line !== "");
  const all = lines.map((line) => most.parse(JSON.parse(line)));
  const kinds = Map.groupBy(all, ({ thread, of }) => `${thread} ${of}`);
  return [...kinds.values()].flatMap((each) => each.toSorted((a, b) => b.listeners - a.listeners).slice(0, 1));
}

function watchEmitters(): void {
  for (const name of ["on", "addListener", "once", "prependListener"] as const) {
    const original = EventEmitter.prototype[name];
    EventEmitter.prototype[name] = function watched(this: EventEmitter, event, listener) {
      original.call(this, event, listener);
      note(`${this.constructor.name} ${String(event)}`, this.listenerCount(event));
      return this;
    };
  }
}

function watchSignals(): void {
  const listening = new WeakMap<EventTarget, Set<unknown>>();
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function watched(type, listener, options) {
    addEventListener.call(this, type, listener, options);
    if (!(this instanceof AbortSignal) || this.aborted || listener === null) return;
    const listeners = listening.get(this) ?? new Set();
    listening.set(this, listeners.add(listener));
    note("AbortSignal", listeners.size);
  };
  EventTarget.prototype.removeEventListener = function watched(type, listener, options) {
    removeEventListener.call(this, type, listener, options);
    listening.get(this)?.delete(listener);
  };
}

/** The runtime preloads nothing into workers by itself. */
function watchWorkers(): void {
  globalThis.Worker = class extends Worker {
    constructor(url: string | URL, options: WorkerOptions = {}) {
      super(url, { ...options, preload: [import.meta.path] });
    }
  };
}

if (path !== undefined) {
  watchWorkers();
  watchEmitters();
  watchSignals();
}
