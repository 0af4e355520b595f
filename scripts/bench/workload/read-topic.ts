import { AppError } from "../../../shared/errors/app-error.ts";
import { codes as driverCodes } from "../../drivers/codes.ts";
import type { RecordForm } from "../agents/agent.ts";
import { codes } from "../codes.ts";
import { mapLines } from "./mapped-lines.ts";
import { RecordLines, Tally, type TallyResult } from "./tally.ts";

/**
 * Reads a whole topic with kcat, which shares no code with the edge and checks every batch's CRC, and compares it with
 * the input file. Its output is one plain line a record, so that 25 M records are read in a minute.
 *
 * @throws AppError `TOOL_MISSING` without kcat, `BENCH_FAILED` when it reports anything at all (a CRC that is wrong, for one).
 */
export async function readTopic(
  bootstrap: string,
  topic: string,
  inputPath: string,
  form: RecordForm = "line",
): Promise<TallyResult> {
  if (Bun.which("kcat") === null)
    throw new AppError(driverCodes.TOOL_MISSING, `read ${topic}: there is no kcat on the PATH`);
  const command = ["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%T %s\n"];
  const reader = Bun.spawn([...command, "-X", "check.crcs=true", "-X", "fetch.error.backoff.ms=100"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const complaint = new Response(reader.stderr).text();
  const tally = new Tally(mapLines(inputPath));
  const lines = new RecordLines(tally, form);
  for await (const chunk of reader.stdout) lines.push(chunk);
  const said = (await complaint).trim();
  if ((await reader.exited) !== 0 || said !== "")
    throw new AppError(codes.BENCH_FAILED, `read ${topic} with kcat: ${said}`);
  return tally.verdict();
}
