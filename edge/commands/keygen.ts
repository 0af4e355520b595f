import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { invariant } from "../../shared/errors/invariant.ts";
import { makeSigningKey, readSigningKey } from "../../shared/signature/keys.ts";
import type { Command } from "./command.ts";

/** `tailgate keygen gw-0042 /etc/tailgate/signing-key.pem`. */
export const keygen: Command = {
  name: "keygen",
  summary: "Makes the key that a Kafka sink signs its batches with, and prints the line that the centre needs",
  positionals: ["<agent>", "<file>"],
  options: {},
  details: "The file is readable for its owner alone, and none that is there is overwritten.",
  run({ positionals: [agent = "", file = ""] }, { out }) {
    if (!/^[\w-]{1,128}$/.test(agent)) {
      throw new AppError("USAGE", `tailgate keygen: "${agent}" is no agent's name`, {
        hint: "Write the `agent` of the config: letters, digits, dash and underscore.",
      });
    }
    const pem = makeSigningKey();
    const key = readSigningKey(pem);
    invariant(key.ok, "a new key can be read");
    writeNew(file, pem);
    out(`${agent} ${key.value.publicText}\n`);
    return 0;
  },
};

/** Never over another file, and never through a link that somebody has put there. */
function writeNew(file: string, text: string): void {
  let handle: number;
  try {
    handle = openSync(file, "wx", 0o600);
  } catch (cause) {
    throw new AppError("USAGE", `tailgate keygen: write ${file}: ${messageOf(cause)}`, {
      cause,
      hint: "Name a file that is not there yet, in a folder that you may write to.",
    });
  }
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
