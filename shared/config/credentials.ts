/**
 * Secrets that the service manager has read for us: its `LoadCredential=NAME:PATH` reads a file as root at each start and puts
 * a copy where our user alone may read it (systemd.exec(5), CREDENTIALS). `service install` writes such a line for each file
 * that a config reads; the config names the file itself, here as without systemd.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Of a file name (systemd.exec(5)); the digest keeps two paths apart that only differ in what is replaced. */
const nameBytesMax = 200;

/** What the copy of a file is called: readable, and another one for each path. */
export function credentialName(path: string): string {
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 8);
  const words = path.replace(/^\/+/, "").replaceAll(/[^A-Za-z0-9.-]+/g, "_");
  return `${words.slice(-nameBytesMax)}-${digest}`;
}

/** Where the copy of a file is; undefined: there is none. */
export function credentialOf(
  path: string,
  folder: string | undefined = process.env.CREDENTIALS_DIRECTORY,
): string | undefined {
  if (folder === undefined || folder === "") return undefined;
  const copy = join(folder, credentialName(path));
  return existsSync(copy) ? copy : undefined;
}

/** The lines of a unit, one a file. */
export function loadCredentialLines(paths: readonly string[]): string {
  return paths.map((path) => `LoadCredential=${credentialName(path)}:${path.replaceAll("%", "%%")}\n`).join("");
}
