import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type ErrorCode, isCodes } from "../../../shared/errors/error-code.ts";

/**
 * The error codes that files below these folders declare, by name: each table that `defineCodes` made and a file exports.
 * Nobody keeps a list of them.
 *
 * @throws Error when two files declare one code.
 */
export async function errorCodesOf(root: string, folders: readonly string[]): Promise<readonly ErrorCode[]> {
  const found = new Map<string, { readonly path: string; readonly code: ErrorCode }>();
  for (const path of folders.flatMap((folder) => declaringFiles(root, folder))) {
    const exported: Readonly<Record<string, unknown>> = await import(join(root, path));
    for (const table of Object.values(exported).filter(isCodes)) {
      for (const code of Object.values(table)) {
        const other = found.get(code.name);
        if (other !== undefined) throw new Error(`${path} declares ${code.name}, and so does ${other.path}`);
        found.set(code.name, { path, code });
      }
    }
  }
  return [...found.values()].map(({ code }) => code).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function declaringFiles(root: string, folder: string): readonly string[] {
  const all = [...new Bun.Glob(`${folder}/**/*.ts`).scanSync(root)].sort();
  return all.filter(
    (path) =>
      !/(\.test\.ts$|\/testing\/|\/node_modules\/)/.test(path) && declares(readFileSync(join(root, path), "utf8")),
  );
}

function declares(text: string): boolean {
  return /^export const \w+ = defineCodes\(/m.test(text);
}
