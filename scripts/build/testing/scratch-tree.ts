import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { startChild } from "../../../shared/testing/child.ts";
import type { TempDir } from "../../../shared/testing/temp-dir.ts";

const project = join(import.meta.dir, "../../..");
const copied = ["edge", "central", "shared", "scripts", "package.json", "bun.lock", "tsconfig.json"];

/** A copy of the project in a folder of its own, to add components to. */
export class ScratchTree {
  constructor(private readonly dir: TempDir) {
    for (const name of copied) cpSync(join(project, name), dir.file(name), { recursive: true });
    symlinkSync(join(project, "node_modules"), dir.file("node_modules"));
  }

  /** Copies a component of the project's tests to where the edge's own stand, as its author would write it. */
  addExample(from: string, to: string): void {
    cpSync(join(project, from), this.dir.file(to), { recursive: true });
  }

  /** Edits a file as its author would: each text once, for another. */
  edit(path: string, changes: readonly (readonly [from: string, to: string])[]): void {
    let text = readFileSync(this.dir.file(path), "utf8");
    for (const [from, to] of changes) {
      if (text.split(from).length !== 2) throw new Error(`edit ${path}: "${from}" is not there once`);
      text = text.replace(from, () => to);
    }
    writeFileSync(this.dir.file(path), text);
  }

  /** Writes a file that is not there yet. */
  add(path: string, text: string): void {
    writeFileSync(this.dir.file(path), text, { flag: "wx" });
  }

  /** Runs a command in the tree. Answers what it printed. @throws Error with its complaint when it fails. */
  async run(command: readonly string[]): Promise<string> {
    await using child = startChild({ command: [...command], cwd: this.dir.path });
    const { code } = await child.exited;
    if (code !== 0) throw new Error(`${command.join(" ")}: ${child.stdout}${child.stderr}`);
    return child.stdout;
  }

  /** Sources and sinks with schemas of real size, and a dependency each that is heavy to load. */
  addDummies(count: number): void {
    for (let number = 0; number < count; number++) {
      const kind = number % 2 === 0 ? "source" : "sink";
      const folder = this.dir.file(`edge/${kind}s/dummy-${number}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "index.ts"), definitionOf(kind, number));
      writeFileSync(join(folder, "implementation.ts"), implementation);
      writeFileSync(join(folder, "heavy.ts"), heavyOf(number));
    }
  }

  /** Writes the registry anew and builds the binary. Answers its path. */
  async build(): Promise<string> {
    const script = this.dir.file("build-here.ts");
    writeFileSync(script, buildHere);
    return (await this.run([process.execPath, script])).trim().split("\n").at(-1) ?? "";
  }

  /** Files of the project that are not here as they are there. */
  changedFiles(): readonly string[] {
    const paths = copied.flatMap((name) =>
      name.includes(".") ? [name] : [...new Glob(`${name}/**/*`).scanSync(project)],
    );
    return paths.filter((path) => !readFileSync(this.dir.file(path)).equals(readFileSync(join(project, path))));
  }
}

const buildHere = `import { writeFileSync } from "node:fs";
import { renderRegistry } from "./scripts/check/generate/registry.ts";
import { buildEdge } from "./scripts/build/build.ts";

writeFileSync("edge/registry.gen.ts", renderRegistry("edge"));
console.log(await buildEdge());
`;

const implementation = `import { heavy } from "./heavy.ts";

export function make(): never {
  throw new Error(String(heavy.length));
}
`;

function definitionOf(kind: "source" | "sink", number: number): string {
  const define = kind === "source" ? "defineSource" : "defineSink";
  const fields = Array.from(
    { length: 12 },
    (_, field) =>
      `    field${field}: z.string().default("value").meta({ description: "What field ${field} of ${number} means." }),`,
  );
  return `import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";
import { ${define} } from "../../core/define.ts";

const configSchema = () =>
  z.strictObject({
${fields.join("\n")}
    every: duration().prefault("1s").meta({ description: "How often." }),
    tls: z.strictObject({ ca: z.string().optional(), verify: z.boolean().default(true) }).optional(),
  });

export default ${define}({
  type: "dummy_${number}",
  summary: "Does nothing.",
  stability: "experimental",
  config: configSchema,
  example: {},
  create: async () => (await import("./implementation.ts")).make(),
});
`;
}

/** As much as a client library: two thousand functions, and a table that is made when it is loaded. */
function heavyOf(number: number): string {
  const functions = Array.from(
    { length: 2_000 },
    (_, each) => `  (a: number, b: string) => (a > ${each} ? b.repeat(a) : { a, b, text: "heavy ${number} ${each}" }),`,
  );
  return `export const heavy = [
${functions.join("\n")}
];
export const table = Array.from({ length: 50_000 }, (_, index) => ({ index, text: "row " + index }));
`;
}
