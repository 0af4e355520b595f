import { defineSource } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's `exec` (org.apache.flume.source.ExecSource). */
export default defineSource({
  type: "exec",
  summary:
    "Runs a command and takes the lines that it writes. Lines that were in the pipe when the agent was killed are lost. For files take tail.",
  stability: "experimental",
  config: configSchema,
  example: { command: "journalctl -f -o cat", restart: true },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const { ExecSource } = await import("./source.ts");
    return new ExecSource(config, context);
  },
});
