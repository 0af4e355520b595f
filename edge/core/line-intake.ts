import { nameOf } from "../../shared/files/path-text.ts";
import type { LineOutput } from "../../shared/lines/split-lines.ts";
import type { EventView } from "./event-view.ts";
import type { Intake } from "./source.ts";

/** Set on a cut line; its value says how many bytes of the line were kept. */
export const cutHeader = "cut";

/** Hands the lines of files to an intake, with the headers that the config asks for. One object for all files of a source. */
export class LineIntake implements LineOutput {
  /** The file that is read now. */
  path = "";

  private keptBytes = 0;
  private stream = "";
  private timeMs = 0;
  private readonly prepareLine: (view: EventView) => void;
  private readonly prepareCut: (view: EventView) => void;
  private readonly plain: boolean;

  constructor(
    private readonly intake: Intake,
    options: {
      readonly fileHeader?: string | undefined;
      readonly basenameHeader?: string | undefined;
      /** Lines are wrapped in records, which say their stream and time (`about`). */
      readonly wrapped?: boolean;
      readonly streamHeader?: string | undefined;
    },
  ) {
    const { fileHeader, basenameHeader, streamHeader, wrapped = false } = options;
    this.plain = fileHeader === undefined && basenameHeader === undefined && !wrapped;
    this.prepareLine = (view) => {
      if (fileHeader !== undefined) view.setHeader(fileHeader, this.path);
      if (basenameHeader !== undefined) view.setHeader(basenameHeader, nameOf(this.path));
      if (this.timeMs !== 0) view.eventTimeMs = this.timeMs;
      if (streamHeader !== undefined && this.stream !== "") view.setHeader(streamHeader, this.stream);
    };
    this.prepareCut = (view) => {
      this.prepareLine(view);
      view.setHeader(cutHeader, String(this.keptBytes));
    };
  }

  /** What is known of the next line beside its bytes; time 0: nothing. */
  about(stream: string, timeMs: number): void {
    this.stream = stream;
    this.timeMs = timeMs;
  }

  line(buffer: Buffer, start: number, end: number): void {
    if (this.plain) this.intake.append(buffer, start, end);
    else this.intake.appendWith(buffer, start, end, this.prepareLine);
  }

  cutLine(buffer: Buffer, start: number, end: number): void {
    this.keptBytes = end - start;
    this.intake.appendWith(buffer, start, end, this.prepareCut);
    this.intake.count("cut", 1);
  }

  leftOut(bytes: number): void {
    if (bytes > 0) this.intake.count("cut_bytes", bytes);
  }
}
