import { existsSync, mkdirSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { driveLine, LINE_BYTES, PREPARED_FROM_MS } from "./lines.ts";

const linesAtOnce = 20_000;

/** Inputs made beforehand, one file a size, kept while the bench runs: making a million lines takes about 2 s. */
export class InputFiles {
  constructor(
    private readonly directory: string,
    private readonly progress: (text: string) => void,
  ) {
    mkdirSync(directory, { recursive: true });
  }

  /** A file of the lines `0 .. lines-1`; made on first use. */
  async file(lines: number): Promise<string> {
    const path = join(this.directory, `drive-${lines}.jsonl`);
    if (!existsSync(path)) await this.make(path, lines);
    return path;
  }

  private async make(path: string, lines: number): Promise<void> {
    this.progress(`making ${lines.toLocaleString("en")} lines of ${LINE_BYTES} B`);
    const file = await open(`${path}.part`, "w");
    try {
      for (let from = 0; from < lines; from += linesAtOnce) {
        const to = Math.min(lines, from + linesAtOnce);
        let text = "";
        for (let n = from; n < to; n++) text += driveLine(n, PREPARED_FROM_MS + n * 10);
        await file.write(Buffer.from(text, "latin1"));
      }
      await file.sync();
    } finally {
      await file.close();
    }
    renameSync(`${path}.part`, path);
  }
}
