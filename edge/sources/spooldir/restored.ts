import type { Report } from "../../../shared/telemetry/log.ts";
import type { Intake } from "../../core/source.ts";
import type { Config } from "./config.ts";
import { takeTracker } from "./flume-tracker.ts";
import { SpoolFile } from "./spool-file.ts";
import { signals } from "./telemetry.ts";

/** The files that are known from the runs before; at the first start those of a Flume's tracker, where one is named. */
export function restoredFiles(intake: Intake, config: Config, report: Report): readonly SpoolFile[] {
  const { trackerFrom } = config;
  if (trackerFrom !== undefined && intake.positions().size === 0) {
    const taken = takeTracker({ ...config, trackerFrom });
    for (const file of taken.files) intake.moved(file);
    report(signals.takenOver, { from: trackerFrom, files: taken.files.length });
    for (const { file, why } of taken.gone) report(signals.notTakenOver, { file, why });
    return taken.files;
  }
  return [...intake.positions()].flatMap(([key, text]) => {
    const file = SpoolFile.parse(key, text);
    if (file === undefined) report(signals.positionUnknown, { key });
    return file ?? [];
  });
}
