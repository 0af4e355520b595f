import { analyse } from "../../shared/config/pattern/analyse.ts";
import { ANALYSIS_VERB } from "../../shared/config/pattern/ask-analysis.ts";
import { provesLinear } from "../../shared/config/pattern/prove-linear.ts";
import type { Command } from "./command.ts";

/** `tailgate pattern`; with `--json` also what a compiled agent asks itself at start (see ask-analysis.ts). */
export const pattern: Command = {
  name: ANALYSIS_VERB,
  summary: "Says whether a regular expression could stall the flow, and which engine would run it",
  positionals: ["<pattern>", "[flags]"],
  options: { json: { summary: "The verdict alone, as JSON" } },
  run(given, { out }) {
    const [source = "", flags = ""] = given.positionals;
    if (given.flag("json")) {
      out(`${JSON.stringify(analyse(source, flags))}\n`);
      return 0;
    }
    const quick = provesLinear(source, flags.includes("i"));
    const { status, detail } = quick ? { status: "safe", detail: "linear" } : analyse(source, flags);
    const engine =
      status === "safe" ? "the native engine runs it" : "the safe engine (re2) runs it, several times slower";
    out(`/${source}/${flags}: ${status} (${detail}); ${engine}\n`);
    return status === "safe" ? 0 : 1;
  },
};
