import { z } from "zod";

/** A file that a lane writes: how far it is acknowledged, and until which event time it is for. */
export interface MarkedFile {
  readonly bytes: number;
  readonly untilMs: number | undefined;
}

/** The note that goes with an acknowledgement: every file in progress, and the number of the next new one. */
export interface Mark {
  readonly files: ReadonlyMap<string, MarkedFile>;
  readonly serial: number;
}

const Written = z.object({
  serial: z.number().int().min(0),
  files: z.record(z.string(), z.tuple([z.number().int().min(0), z.number().nullable()])),
});

/** As text, for `LaneReader.mark`. */
export function formatMark({ files, serial }: Mark): string {
  const lengths = [...files].map(([name, { bytes, untilMs }]) => [name, [bytes, untilMs ?? null]] as const);
  return JSON.stringify({ serial, files: Object.fromEntries(lengths) });
}

/** Reads it back; nothing was acknowledged when there is none. @throws when it is none of ours. */
export function parseMark(mark: string | undefined): Mark {
  if (mark === undefined) return { files: new Map(), serial: 0 };
  const { files, serial } = Written.parse(JSON.parse(mark));
  const entries = Object.entries(files);
  return {
    serial,
    files: new Map(entries.map(([name, [bytes, untilMs]]) => [name, { bytes, untilMs: untilMs ?? undefined }])),
  };
}
