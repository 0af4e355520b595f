/**
 * The agent with one source more, `slow`: what it starts is said on standard output, and one that `waits` starts when the file `go`
 * is there. A process of its own: a stop leaves the kernel's alarm behind, which would end a test run.
 */
import { existsSync } from "node:fs";
import { z } from "zod";
import { Gate } from "../../../shared/async/gate.ts";
import { readArguments } from "../../commands/command.ts";
import { run } from "../../commands/run.ts";
import { defineSource } from "../../core/define.ts";
import { registry } from "../../registry.gen.ts";

const slow = defineSource({
  type: "slow",
  summary: "Starts when it is let.",
  stability: "experimental",
  config: () => z.strictObject({ name: z.string(), waits: z.boolean().default(false) }),
  example: { name: "a" },
  create: ({ name, waits }) => ({
    start: async () => {
      process.stdout.write(`starts ${name}\n`);
      while (waits && !existsSync("go")) await Bun.sleep(10);
    },
    run: (_, signal) => new Gate().wait(signal),
    stop: async () => {},
    status: () => ({}),
  }),
});

if (import.meta.main) {
  process.exitCode = await run.run(readArguments(run, ["tailgate.yaml"]), {
    registry: { ...registry, sources: [...registry.sources, slow] },
    environment: {},
    out: () => {},
    outBytes: async () => {},
    err: () => {},
  });
}
