import { statSync } from "node:fs";
import { z } from "zod";
import { noteFile } from "../../shared/config/files-read.ts";
import { path } from "../../shared/config/path.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import { kindOf } from "../../shared/files/open-regular.ts";
import { countingReport } from "../../shared/telemetry/counting-report.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Context } from "../core/context.ts";
import { defineInterceptor } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import type { Interceptor } from "../core/interceptor.ts";

/**
 * What a user's module exports as its default: called once, with the `options` of the config. What it answers is called
 * for every event: `false` drops the event, anything else keeps it.
 */
export type InterceptorModule = (options: Readonly<Record<string, unknown>>) => (view: EventView) => unknown;

const configSchema = () =>
  z
    .strictObject({
      path: path().meta({ description: "The module, JavaScript or TypeScript; relative to the config file." }),
      options: z.record(z.string(), z.unknown()).default({}).meta({ description: "Given to the module as they are." }),
    })
    .transform((config, context) => {
      const loaded = loadModule(config.path, config.options);
      // The version stands beside the function: a reload compares it, and takes the module anew only when the file changed.
      if (loaded.ok) return { ...config, version: loaded.version, intercept: loaded.intercept };
      context.addIssue({ code: "custom", path: ["path"], message: loaded.message });
      return z.NEVER;
    });
type Config = z.output<ReturnType<typeof configSchema>>;

const threw = defineSignal({
  counts: {
    metric: "tailgate_interceptor_errors_total",
    help: "Events during which an interceptor module threw; they were kept.",
  },
  name: "interceptor_threw",
  level: "error",
  message: "An interceptor module threw; the event is kept as it is",
  atMostEveryMs: 10_000,
});

/** Flume's custom interceptors (a class name in its config), as a file. */
export default defineInterceptor({
  type: "module",
  summary: "Runs your own module: a file whose default export makes a function that gets every event.",
  stability: "experimental",
  config: configSchema,
  example: { path: "/etc/tailgate/mask-position.ts", options: { decimals: 2 } },
  create: (config, context) => new ModuleInterceptor(config, context),
});

class ModuleInterceptor implements Interceptor {
  private readonly report: Report;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { report, metrics, name } = context;
    this.report = countingReport({ threw }, { report, metrics, labels: { component: name } });
  }

  intercept(view: EventView): boolean {
    try {
      return this.config.intercept(view) !== false;
    } catch (thrown) {
      this.report(threw, { component: this.context.name, path: this.config.path, error: messageOf(thrown) });
      return true;
    }
  }
}

type Loaded =
  | { readonly ok: true; readonly version: number; readonly intercept: ReturnType<InterceptorModule> }
  | { readonly ok: false; readonly message: string };

/** Loads it now, so that a bad module is a mistake of the config. A file that changed since is loaded anew. */
function loadModule(file: string, options: Readonly<Record<string, unknown>>): Loaded {
  try {
    const stat = statSync(file);
    // The runtime would wait at a FIFO for ever.
    if (!stat.isFile()) return { ok: false, message: `load ${file}: it is ${kindOf(stat)}` };
    const version = stat.mtimeMs;
    noteFile(file, "program");
    const loaded: unknown = require(`${file}?v=${version}`);
    const make = typeof loaded === "object" && loaded !== null && "default" in loaded ? loaded.default : loaded;
    if (!isFunction(make)) return { ok: false, message: `${file} has no default export that is a function` };
    const intercept = make(options);
    if (!isFunction(intercept)) return { ok: false, message: `${file}: its default export answers no function` };
    return { ok: true, version, intercept };
  } catch (thrown) {
    return { ok: false, message: `load ${file}: ${messageOf(thrown)}` };
  }
}

function isFunction(value: unknown): value is (argument: unknown) => unknown {
  return typeof value === "function";
}
