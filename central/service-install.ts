/** `service install`: writes central's systemd unit, or prints it. */
import { existsSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { recordingFiles } from "../shared/config/files-read.ts";
import { AppError } from "../shared/errors/app-error.ts";
import type { ServiceWords } from "./arguments.ts";
import type { CentralConfig } from "./config/schema.ts";
import { renderCentralUnit } from "./service-unit.ts";

const unitPath = "/etc/systemd/system/tailgate-central.service";

/**
 * The config is read first: a unit for a config with mistakes would only be restarted.
 *
 * @returns what to print.
 * @throws AppError `USAGE` when there is a unit already, or it cannot be written.
 */
export function installService(words: ServiceWords, load: (file: string) => CentralConfig): string {
  const file = words.config;
  if (file === undefined) throw new AppError("USAGE", "service install: --config FILE is needed: the unit names it");
  const { value, files } = recordingFiles(() => load(file));
  const { store, lake } = value;
  const secrets = [...files.keys()];
  const paths = { config: resolve(file), store, lake: lake?.directory, secrets };
  const text = renderCentralUnit({ binary: process.execPath, user: words.user, ...paths });
  if (words.print) return text;
  const path = words.unit ?? unitPath;
  if (existsSync(path) && !words.force) {
    const hint = "Compare it with --print; --force writes over it.";
    throw new AppError("USAGE", `service install: ${path} is there already`, { hint });
  }
  try {
    writeFileSync(path, text);
  } catch (thrown) {
    throw new AppError("USAGE", `service install: write ${path}`, {
      cause: thrown,
      hint: "Run it as root, or --print.",
    });
  }
  return `wrote ${path}\nnow: systemctl daemon-reload && systemctl enable --now tailgate-central\n`;
}
