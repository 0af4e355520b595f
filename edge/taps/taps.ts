import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";
import type { Selector } from "../core/selector.ts";
import type { StoredBatch } from "../core/stored-batch.ts";
import type { Tap } from "./tap.ts";

/** What one agent can bear at once. */
const tapsMax = 4;

/** Who looks at which place of an agent, now. Nobody mostly, and then nothing here is called for an event. */
export class Taps {
  private readonly open = new Set<Tap>();

  /** False: as many look already as may. */
  add(tap: Tap): boolean {
    if (this.open.size >= tapsMax) return false;
    this.open.add(tap);
    return true;
  }

  remove(tap: Tap): void {
    this.open.delete(tap);
  }

  /** Nobody may look any more. */
  endAll(): void {
    for (const tap of this.open) tap.leave();
  }

  /** Those that look at a place in the chain of a stream. */
  ofChain(stream: string): readonly Tap[] {
    return [...this.open].filter(({ point }) => point.kind !== "lane" && point.stream === stream);
  }

  /** A batch is handed to a sink, for the first time. */
  offerBatch(batch: StoredBatch): void {
    if (this.open.size === 0) return;
    const { stream, number, channel } = batch.lane;
    for (const tap of this.open) {
      const { point } = tap;
      if (point.kind !== "lane" || point.stream !== stream || point.lane !== number) continue;
      if (point.channel === undefined || point.channel === channel) tap.offerBatch(batch);
    }
  }
}

/** What events pass through, with the names that interceptors have. */
export interface NamedLinks {
  readonly names: readonly string[];
  readonly interceptors: readonly Interceptor[];
  readonly selector: Selector;
}

/** The same with those who look in between. Nobody looks: the very same, so that it costs nothing. */
export function tappedLinks(links: NamedLinks, taps: readonly Tap[]): NamedLinks {
  if (taps.length === 0) return links;
  const interceptors = links.interceptors.map((interceptor, index) => {
    const own = taps.filter(({ point }) => point.kind === "interceptor" && point.interceptor === links.names[index]);
    return own.length === 0 ? interceptor : after(interceptor, own);
  });
  const atSource = taps.filter(({ point }) => point.kind === "source");
  if (atSource.length === 0) return { ...links, interceptors };
  const look = (view: EventView) => {
    for (const tap of atSource) tap.offer(view, undefined);
  };
  const [first, ...others] = interceptors;
  if (first === undefined) return { ...links, selector: before(links.selector, look) };
  return { ...links, interceptors: [beforeFirst(first, look), ...others] };
}

function after(interceptor: Interceptor, taps: readonly Tap[]): Interceptor {
  return {
    intercept: (view) => {
      const kept = interceptor.intercept(view);
      for (const tap of taps) tap.offer(view, kept);
      return kept;
    },
  };
}

function beforeFirst(interceptor: Interceptor, look: (view: EventView) => void): Interceptor {
  return {
    intercept: (view) => {
      look(view);
      return interceptor.intercept(view);
    },
  };
}

function before(selector: Selector, look: (view: EventView) => void): Selector {
  return {
    select: (view) => {
      look(view);
      return selector.select(view);
    },
  };
}
