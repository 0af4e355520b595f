import { z } from "zod";
import type { LaneNotes } from "../../core/lane-notes.ts";

/** Which numbers of a lane are written together. */
export interface ObjectPlan {
  readonly first: number;
  /** The number behind the last. */
  readonly end: number;
}

const Row = z.object({ version: z.literal(1), first: z.int().min(0), end: z.int().min(1) });

/**
 * The plan of a lane, durable before anything of it is written: after a crash the same numbers are written together
 * again, so they have the same names and take the place of what was written before.
 */
export class PlanBook {
  private readonly key: string;

  constructor(
    private readonly notes: Pick<LaneNotes, "session" | "saveSession">,
    sink: string,
  ) {
    this.key = `objects:${sink}`;
  }

  last(): ObjectPlan | undefined {
    const text = this.notes.session(this.key);
    if (text === undefined) return undefined;
    try {
      return Row.safeParse(JSON.parse(text)).data;
    } catch (thrown) {
      if (thrown instanceof SyntaxError) return undefined;
      throw thrown;
    }
  }

  /** Durable on return. */
  save({ first, end }: ObjectPlan): void {
    const row: z.input<typeof Row> = { version: 1, first, end };
    this.notes.saveSession(this.key, JSON.stringify(row));
  }
}
