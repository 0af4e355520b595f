/** A small program that is compiled like the edge, for the test of the build: what it prints is what it was given. */
import { Sqlite } from "../../edge/channels/sqlite/driver.ts";

const database = new Sqlite(":memory:");
const { version } = database.prepare<[], { version: string }>("select sqlite_version() as version").get() ?? {};
const said = {
  arch: process.arch,
  sqlite: version,
  target: process.env.TAILGATE_TARGET,
  version: process.env.TAILGATE_VERSION,
  probe: process.env.TAILGATE_PROBE,
};
process.stdout.write(`${JSON.stringify(said)}\n`);
if (process.argv.includes("fail")) throw new Error("asked to fail");
