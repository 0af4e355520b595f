/**
 * The independent checker from the command line: reads what some place holds and says whether every line of the
 * simulation is there once, as it was written, in order per car.
 *
 *     bun scripts/pilot/simulator/check.ts --out DIR --broker 127.0.0.1:9092 --topic driving
 *     bun scripts/pilot/simulator/check.ts --out DIR --files DIR/lake --stream status
 *
 * Exit code 0 when all is right, 1 when not, 2 when it could not look.
 */
import { parseArgs } from "node:util";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { askedHelp } from "../../../shared/system/asked-help.ts";
import { LineAudit, summarize } from "./audit.ts";
import { auditFolder, auditTopic } from "./audit-places.ts";
import { readManifest } from "./manifest.ts";
import type { StreamName } from "./scenario.ts";

const help = askedHelp(import.meta.path);
if (help !== undefined) {
  console.log(help);
  process.exit(0);
}

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    broker: { type: "string" },
    topic: { type: "string" },
    files: { type: "string" },
    stream: { type: "string" },
  },
});

async function check(): Promise<boolean> {
  const { out, broker, topic, files, stream = "driving" } = values;
  const hint = "See the head of scripts/pilot/simulator/check.ts for how it is called.";
  const manifest = out === undefined ? undefined : readManifest(out);
  if (manifest === undefined) throw new AppError("USAGE", `check: no simulation in --out ${out}`, { hint });
  const audit = new LineAudit(manifest.worlds, manifest.progress);
  if (broker !== undefined && topic !== undefined) await auditTopic(audit, broker, topic);
  else if (files !== undefined) auditFolder(audit, files);
  else throw new AppError("USAGE", "check: either --broker and --topic or --files is needed", { hint });
  const streams = stream === "both" ? (["driving", "status"] as const) : [streamName(stream)];
  let ok = true;
  for (const name of streams) {
    const result = audit.result(name);
    console.log(summarize(result));
    for (const example of result.examples) console.log(`  ${example}`);
    ok &&= result.ok;
  }
  if (audit.other > 0) console.log(`other lines (garbage, fragments): ${audit.other}`);
  return ok;
}

function streamName(text: string): StreamName {
  if (text === "driving" || text === "status") return text;
  throw new AppError("USAGE", `check: --stream ${text} is none of driving, status, both`);
}

try {
  process.exitCode = (await check()) ? 0 : 1;
} catch (thrown) {
  console.error(messageOf(thrown));
  if (thrown instanceof AppError) console.error(thrown.hint);
  process.exitCode = 2;
}
