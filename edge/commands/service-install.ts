import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import { loadConfig } from "../config/load-config.ts";
import { type Command, type CommandContext, configOption, configPath } from "./command.ts";
import { renderUnit, type UnitOptions } from "./service-unit.ts";

const unitPath = "/etc/systemd/system/tailgate.service";

/** What the config writes to and reads, as far as it can be read now. */
function needsOf(config: string, world: CommandContext): Pick<UnitOptions, "writes" | "secrets" | "readsHomes"> {
  const loaded = loadConfig(config, world.registry, world.environment);
  if (!loaded.ok) {
    world.err(`${config} cannot be read as it is: the unit lets it write to /var/lib/tailgate alone\n`);
    return { writes: [], secrets: [], readsHomes: false };
  }
  const own = /^\/(?:var\/lib|run)\/tailgate(?:\/|$)/;
  const { dataDir, admin } = loaded.config;
  const socket = admin?.kind === "unix" ? [dirname(admin.path)] : [];
  const writes = [...new Set([dataDir, ...loaded.writes, ...socket])].filter((path) => !own.test(path));
  const text = JSON.stringify(loaded.effective);
  return { writes, secrets: loaded.reads, readsHomes: /"\/(?:home|root|run\/user)\//.test(text) };
}

/** `tailgate service install`. */
export const serviceInstall: Command = {
  name: "service install",
  summary: "Writes a systemd unit for this binary and config, or prints it",
  options: {
    ...configOption,
    print: { summary: "Prints the unit and writes nothing; needs no systemd" },
    user: { summary: "The user it runs as (default: a dynamic one; name one that may read the logs)", value: "user" },
    unit: { summary: `Where the unit goes (default: ${unitPath})`, value: "file" },
    force: { summary: "Writes over a unit that is there" },
  },
  run(given, world) {
    // The service starts somewhere else.
    const config = resolve(configPath(given, world));
    const text = renderUnit({
      binary: process.execPath,
      config,
      user: given.value("user"),
      ...needsOf(config, world),
    });
    if (given.flag("print")) {
      world.out(text);
      return 0;
    }
    const path = given.value("unit") ?? unitPath;
    if (existsSync(path) && !given.flag("force")) {
      throw new AppError("USAGE", `tailgate service install: ${path} is there already`, {
        hint: "Compare it with --print; --force writes over it.",
      });
    }
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    } catch (thrown) {
      throw new AppError("USAGE", `tailgate service install: write ${path}`, {
        cause: thrown,
        hint: "Run it as root, or use --print.",
      });
    }
    world.out(`wrote ${path}\nnow: systemctl daemon-reload && systemctl enable --now tailgate\n`);
    return 0;
  },
};
