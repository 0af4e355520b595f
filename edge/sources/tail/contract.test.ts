import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { sourceContract } from "../../testing/contracts/source.contract.ts";
import definition from "./index.ts";

sourceContract("tail", definition, (directory) => {
  const log = join(directory, "x.log");
  return {
    config: { paths: log, pollInterval: 50 },
    write: (lines) => appendFileSync(log, Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1")),
  };
});
