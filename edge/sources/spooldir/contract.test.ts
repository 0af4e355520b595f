import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sourceContract } from "../../testing/contracts/source.contract.ts";
import definition from "./index.ts";

for (const done of ["rename", "delete", "tracker"]) {
  sourceContract(`spooldir, ${done}`, definition, (directory) => {
    const spool = join(directory, "spool");
    mkdirSync(spool, { recursive: true });
    let number = 0;
    return {
      config: { path: spool, done, order: "name", pollInterval: 10, settle: 0 },
      write(lines) {
        const name = `${(number++).toString().padStart(6, "0")}.csv`;
        writeFileSync(join(directory, name), Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1"));
        renameSync(join(directory, name), join(spool, name));
      },
    };
  });
}
