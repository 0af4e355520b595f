import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";
import { cacheFolder, runTool } from "../kafka/distribution.ts";

/**
 * The folder with some packages of Python, fetched by pip3 once into the user's cache: what PYTHONPATH is set to. Versions are pinned by
 * who asks; hashes are not, because a package may have a wheel for each version of Python.
 *
 * @param name of the folder: with the version, so that another one is another folder.
 * @throws AppError `TOOL_MISSING` when there is no Python or no pip; Error with the words of pip.
 */
export async function pythonPackages(name: string, packages: readonly string[]): Promise<string> {
  const folder = join(cacheFolder(), name);
  if (existsSync(folder)) return folder;
  if (Bun.which("pip3") === null || Bun.which("python3") === null) {
    throw new AppError(codes.TOOL_MISSING, `fetch ${name}: there is no \`pip3\` on the PATH`, {
      hint: "Install it (Debian, Ubuntu: apt-get install python3-pip).",
    });
  }
  const partial = `${folder}.part-${process.pid}`;
  try {
    mkdirSync(dirname(partial), { recursive: true });
    const install = ["pip3", "install", "--disable-pip-version-check", "--quiet", "--only-binary=:all:"];
    await runTool(`pip3 install ${name}`, [...install, "--target", partial, ...packages]);
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return folder;
}
