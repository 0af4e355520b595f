import { AppError } from "../../../shared/errors/app-error.ts";
import { RecordLines, Tally, type Verdict } from "./tally.ts";

/**
 * Reads a whole topic with kcat, which shares no code with the edge and checks every batch's CRC, and compares it with
 * the input file. Control the reader, not the pipeline: it reads with its own connection, past any meter.
 *
 * @throws AppError `BENCH_FAILED` when kcat fails (a CRC that is wrong, for one).
 */
export async function readTopic(bootstrap: string, topic: string, inputPath: string): Promise<Verdict> {
  const command = ["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q", "-f", "%T %s\n"];
  const reader = Bun.spawn([...command, "-X", "check.crcs=true", "-X", "fetch.error.backoff.ms=100"], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const complaint = new Response(reader.stderr).text();
  const tally = new Tally(Bun.mmap(inputPath));
  const lines = new RecordLines(tally);
  for await (const chunk of reader.stdout) lines.push(chunk);
  if ((await reader.exited) !== 0) {
    throw new AppError("BENCH_FAILED", `read topic ${topic} with kcat: ${(await complaint).trim()}`);
  }
  return tally.verdict();
}
