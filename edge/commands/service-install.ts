import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import { type Command, configOption, configPath } from "./command.ts";
import { renderUnit } from "./service-unit.ts";

const unitPath = "/etc/systemd/system/tailgate.service";

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
    const text = renderUnit({ binary: process.execPath, config: configPath(given, world), user: given.value("user") });
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
