import { z } from "zod";

/** A file that a lane writes: how far it is acknowledged, and until which event time it is for. */
export interface MarkedFile {
  readonly bytes: number;
  readonly untilMs: number | undefined;
}

/** The note that goes with an acknowledgement: every file in progress, and the number of the next new one. */
export interface FilesMark {
  readonly files: ReadonlyMap<string, MarkedFile>;
  readonly serial: number;
}

const Written = z.object({
  serial: z.number().int().min(0),
  files: z.record(z.string(), z.tuple([z.number().int().min(0), z.number().nullable()])),
});

/** As text, for `LaneNotes.mark`. */
export function formatMark({ files, serial }: FilesMark): string {
  const lengths = [...files].map(([name, { bytes, untilMs }]) => [name, [bytes, untilMs ?? null]] as const);
  return JSON.stringify({ serial, files: Object.fromEntries(lengths) });
}

/** Before anything was acknowledged. */
export const noMark: FilesMark = { files: new Map(), serial: 0 };

/** Reads it back; undefined when it is none of ours (the lane was drained by another sink before). */
export function parseMark(text: string): FilesMark | undefined {
  const written = Written.safeParse(parseJson(text)).data;
  if (written === undefined) return undefined;
  const entries = Object.entries(written.files);
  return {
    serial: written.serial,
    files: new Map(entries.map(([name, [bytes, untilMs]]) => [name, { bytes, untilMs: untilMs ?? undefined }])),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}
