/** The numbers of the live view, asked from the parts over HTTP as anybody would. */
import type { Way } from "./way.ts";

/** What is known at one moment; undefined for what nobody answers. */
export interface Numbers {
  readonly way: Way;
  /** Lines of driving data that the simulator has written, earlier starts included. */
  readonly written: number;
  /** Lines of device status in files that have appeared. */
  readonly writtenStatus: number;
  readonly edge: EdgeNumbers | undefined;
  readonly central: CentralNumbers | undefined;
  readonly brokerUp: boolean;
}

/** From the edge's status page. */
export interface EdgeNumbers {
  /** Lines read of the driving log, garbage included. */
  readonly read: number;
  /** Events that a channel holds. */
  readonly backlog: number;
  readonly backlogBytes: number;
  /** Lines of the batch path that are in the lake. */
  readonly batchSent: number;
  readonly batchHeld: number;
}

/** From the centre's status. */
export interface CentralNumbers {
  readonly vehicles: number;
  readonly linesPerSecond: number;
  readonly stored: number;
  readonly missing: number;
  /** Over Kafka: twice in the topic. By relay: sent again after a lost answer or a crash. Stored once either way. */
  readonly repeated: number;
  /** null: unknown, or there is no topic. */
  readonly lag: number | null;
}

interface StatusPage {
  readonly books: readonly { stream: string; channel: string; read: number; sent: number; held: number }[];
  readonly channels: Readonly<Record<string, { readonly events: number; readonly bytes: number }>>;
}

/** Asks the edge; undefined while it does not answer. */
export async function askEdge(port: number): Promise<EdgeNumbers | undefined> {
  const page = await ask<StatusPage>(`http://127.0.0.1:${port}/status`);
  if (page === undefined) return undefined;
  const driving = page.books.find(({ stream }) => stream === "driving");
  const status = page.books.find(({ stream }) => stream === "status");
  return {
    read: driving?.read ?? 0,
    backlog: driving?.held ?? 0,
    backlogBytes: page.channels.realtime?.bytes ?? 0,
    batchSent: status?.sent ?? 0,
    batchHeld: status?.held ?? 0,
  };
}

/** Asks the centre; undefined while it does not answer. */
export function askCentral(port: number): Promise<CentralNumbers | undefined> {
  return ask<CentralNumbers>(`http://127.0.0.1:${port}/api/v1/status`);
}

async function ask<T>(url: string): Promise<T | undefined> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    return answer.ok ? ((await answer.json()) as T) : undefined;
  } catch (thrown) {
    // Away is a state that the view shows, and nothing else is expected of a page on loopback.
    if (thrown instanceof Error) return undefined;
    throw thrown;
  }
}
