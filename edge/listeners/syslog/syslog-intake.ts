import type { LineOutput } from "../../../shared/lines/split-lines.ts";
import type { Intake } from "../../core/source.ts";
import type { SyslogReader } from "./syslog-reader.ts";

/** Appends syslog messages to an intake. */
export class SyslogIntake implements LineOutput {
  constructor(
    private readonly intake: Intake,
    private readonly reader: SyslogReader,
  ) {}

  line(buffer: Buffer, start: number, end: number): void {
    this.append(buffer, start, end, false);
  }

  cutLine(buffer: Buffer, start: number, end: number): void {
    this.append(buffer, start, end, true);
    this.intake.count("cut", 1);
  }

  leftOut(bytes: number): void {
    if (bytes > 0) this.intake.count("cut_bytes", bytes);
  }

  private append(buffer: Buffer, start: number, end: number, isCut: boolean): void {
    const { reader, intake } = this;
    reader.read(buffer, start, end, isCut);
    if (!reader.isValid) intake.count("syslog_invalid", 1);
    intake.appendWith(reader.buffer, reader.start, reader.end, reader.prepare);
  }
}
