import { asFlag, asMs, asText, type FlumeMapping } from "../../core/flume-mapping.ts";

const paced = "lines are committed by the agent's linger and by size";

const exec: FlumeMapping = {
  names: ["exec", "org.apache.flume.source.ExecSource"],
  keys: {
    command: { to: "command", as: asText },
    shell: { to: "shell", as: asText },
    restart: { to: "restart", as: asFlag },
    restartThrottle: { to: "restartThrottle", as: asMs },
    logStdErr: { to: "logStderr", as: asFlag },
    batchSize: { nothing: paced },
    batchTimeout: { nothing: paced },
    charset: {
      refused: "other encodings than UTF-8 are not carried yet",
      unless: ["UTF-8", "UTF8", "US-ASCII", "ASCII"],
    },
  },
  start: { stripCarriageReturn: true },
  differences: ["A command that is `tail -F` of a file loses lines at every restart, as in Flume: take `tail`."],
  finish: (draft) => {
    const command = draft.value("command")?.text ?? "";
    if (/^\s*tail\s/.test(command)) draft.note("`tail` reads a file itself, and loses and repeats no line of it");
  },
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [exec];
