/**
 * The page's program and style, made from their sources by Bun's bundler. Where central runs from its sources that is done at
 * the first request; a compiled binary has the result in the place of this module (`scripts/build/build.ts`).
 */
import { join } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";

/** What a browser loads, as text. */
export interface PageFiles {
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

/** @throws AppError `INVARIANT` when the sources cannot be bundled. */
export async function bundlePage(): Promise<PageFiles> {
  const client = join(import.meta.dir, "client");
  const made = await Bun.build({
    entrypoints: [join(client, "main.ts")],
    target: "browser",
    format: "esm",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    throw: false,
  });
  const script = await made.outputs[0]?.text();
  if (!made.success || script === undefined) {
    throw new AppError("INVARIANT", `bundle the page: ${made.logs.map(String).join("; ")}`);
  }
  const plots = await Bun.file(Bun.resolveSync("uplot/dist/uPlot.min.css", import.meta.dir)).text();
  const own = await Bun.file(join(client, "style.css")).text();
  return { script, style: `${plots}\n${own}`, icon: await Bun.file(join(client, "icon.svg")).text() };
}
