import { dirname } from "node:path";
import type { Finding, Rule, SourceFile } from "./project.ts";
import { isTest } from "./project.ts";

const componentKinds = "sources|sinks|channels|interceptors|selectors";

/** A part of the project and what it may import, as prefixes of paths. First match counts. */
interface Part {
  readonly at: RegExp;
  readonly may: (match: RegExpExecArray) => readonly string[];
  readonly instead: string;
}

/**
 * The direction of imports is the architecture: a core that names no implementation, implementations that know only
 * the core, a shared ground that knows nobody.
 */
const parts: readonly Part[] = [
  // Top floor, each on what stands below it.
  script("check", ["scripts/", "edge/", "central/"], "it checks and generates from everything"),
  script("bench", ["drivers", "build", "setup", "edge/", "central/"], "a benchmark measures programs and their parts"),
  script("fuzz", ["edge/", "central/"], "parsers of both ends are tried with what is almost right"),
  script("integration", ["drivers", "build", "edge/", "central/"], "one part of the product against real servers"),
  script("replay", ["runner", "drivers", "build", "setup"], "a promise is tried from outside, by drivers"),
  script("pictures", ["drivers", "setup", "central/"], "it looks at the page of a central with a fleet of its own"),
  script("pilot", ["drivers", "setup"], "the pilot starts programs by drivers, and knows none of their code"),
  script("runner", [], "it runs test files and knows none of them"),
  script("setup", ["drivers"], "it brings in what drivers need"),
  script("drivers", ["build"], "a driver starts a program and talks to it from outside"),
  script(
    "build",
    ["edge/channels/sqlite/", "central/web/"],
    "it compiles both ends: its probe opens the addon, and the page is put into the binary",
  ),
  { at: /^shared\//, may: () => ["shared/"], instead: "move what both need into shared, or pass it in" },
  // Inside the centre: records ← ledger ← rules, fleet ← store ← ingest ← status ← api, and the consumer, which knows records alone.
  central("records", []),
  central("ledger", ["records"]),
  central("rules", ["ledger", "records"]),
  central("fleet", ["ledger", "records"]),
  central("store", ["rules", "fleet", "ledger", "records"]),
  central("consumer", ["records"]),
  central("delivery", ["config", "store", "rules", "records"]),
  central("replay", ["consumer", "store", "rules", "fleet", "ledger", "records"]),
  central("ingest", ["delivery", "config", "replay", "consumer", "store", "rules", "fleet", "ledger", "records"]),
  central("lake", ["config", "replay", "consumer", "store", "ledger", "records"]),
  central("status", ["consumer", "ingest", "store", "rules", "fleet", "records"]),
  central("api", ["config", "lake", "status", "replay", "ingest", "store", "rules", "fleet", "ledger", "records"]),
  central("web", ["api"]),
  central("config", []),
  {
    at: /^central\//,
    may: () => ["central/", "shared/"],
    instead: "the centre knows shared only; what both ends need belongs there",
  },
  {
    at: /^edge\/core\//,
    may: () => ["edge/core/", "shared/"],
    instead: "the core names no implementation; state an interface here and hand the implementation in",
  },
  {
    at: /^edge\/records\//,
    may: () => ["edge/records/", "edge/core/", "shared/"],
    instead: "the ground of push sources and record sinks knows the core and shared, and none of them",
  },
  {
    at: /^edge\/groups\//,
    may: () => ["edge/groups/", "edge/core/", "shared/"],
    instead: "the ground of sink groups knows the core and shared, and no sink",
  },
  {
    at: /^edge\/listeners\//,
    may: () => ["edge/listeners/", "edge/core/", "shared/"],
    instead: "the ground of sources that listen knows the core and shared, and none of them",
  },
  {
    at: /^edge\/channels\/spillable\/.*\.test\.ts$/,
    may: () => ["edge/channels/", "edge/core/", "edge/testing/", "shared/"],
    instead: "it is tried on the agent's real file",
  },
  {
    at: /^edge\/channels\/spillable\//,
    may: () => ["edge/channels/spillable/", "edge/channels/memory/", "edge/core/", "shared/"],
    instead: "a channel made of the one in memory and the agent's file, which it is handed",
  },
  {
    at: new RegExp(`^edge/(${componentKinds})/([^/]+)/`),
    may: ([, kind = "", name = ""]) => [
      `edge/${kind}/${name}/`,
      ...groundOf(kind),
      "edge/core/",
      "edge/records/",
      "shared/",
    ],
    instead: "a component knows the core and shared; what two components need belongs into one of these",
  },
  {
    at: new RegExp(`^edge/(${componentKinds})/[^/]+$`),
    may: ([, kind = ""]) => [...groundOf(kind), "edge/core/", "edge/records/", "shared/"],
    instead: "a component knows the core and shared; what two components need belongs into one of these",
  },
  {
    at: /^edge\/taps\//,
    may: () => ["edge/taps/", "edge/core/", "shared/"],
    instead: "whoever looks at the flow knows the events of the core, and neither the engine nor who asks",
  },
  {
    at: /^edge\/(engine|admin)\//,
    may: ([, part = ""]) => [`edge/${part}/`, "edge/config/agent-config.ts", "edge/taps/", "edge/core/", "shared/"],
    instead: "it knows the core, the taps and the shape of a config, and is handed the rest",
  },
  {
    at: /^edge\/config\//,
    may: () => ["edge/config/", "edge/core/", "shared/"],
    instead: "it knows the core and the shape of a config, and is handed the rest",
  },
  {
    at: /^edge\/flume\//,
    may: () => ["edge/flume/", "edge/config/", "edge/core/", "shared/"],
    instead: "it turns a flume.conf into a config, and is handed the registry, whose components say what is theirs",
  },
  { at: /^edge\//, may: () => ["edge/", "shared/"], instead: "the edge knows itself and shared" },
];

/** Groups are sinks. */
function groundOf(kind: string): readonly string[] {
  if (kind === "sources") return ["edge/listeners/"];
  return kind === "sinks" ? ["edge/groups/"] : [];
}

function script(name: string, below: readonly string[], instead: string): Part {
  const prefixes = below.map((each) => (each.endsWith("/") ? each : `scripts/${each}/`));
  return { at: new RegExp(`^scripts/${name}/`), may: () => [`scripts/${name}/`, ...prefixes, "shared/"], instead };
}

function central(name: string, below: readonly string[]): Part {
  const prefixes = below.map((each) => `central/${each}/`);
  return {
    at: new RegExp(`^central/${name}/`),
    may: () => [`central/${name}/`, ...prefixes, "central/telemetry.ts", "shared/"],
    instead:
      "inside the centre: records ← ledger ← rules, fleet ← store ← ingest ← status ← api; the consumer knows records alone",
  };
}

/** Imports point one way; relative ones say their ending; packages are in package.json. */
export function importArrows(packages: ReadonlySet<string>): Rule {
  return (files) => files.flatMap((file) => file.imports.flatMap((each) => judge(file, each, packages)));
}

function judge(file: SourceFile, each: SourceFile["imports"][number], packages: ReadonlySet<string>): Finding[] {
  const finding = (message: string): Finding[] => [{ path: file.path, line: each.line, message }];
  const { specifier, target } = each;
  if (target === undefined) {
    if (specifier.startsWith("node:") || specifier === "bun" || specifier.startsWith("bun:")) return [];
    const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
    return packages.has(name) ? [] : finding(`imports ${name}, which package.json does not list`);
  }
  if (!/\.(ts|json|md|html|css|txt|bin)$/.test(target)) {
    return finding(`imports ${specifier} without its ending; write the .ts`);
  }
  const part = parts.find(({ at }) => at.test(file.path));
  const match = part?.at.exec(file.path);
  if (part === undefined || match === null || match === undefined) return [];
  if (target.startsWith("shared/testing/") && !isTest(file.path) && !file.path.startsWith("scripts/")) {
    return finding(`must not import ${target}: shared/testing is the ground of tests, and ships nowhere`);
  }
  if (part.may(match).some((prefix) => target.startsWith(prefix))) return [];
  if (isTest(file.path) && mayTest(file.path, target)) return [];
  return finding(`must not import ${target}: ${part.instead}`);
}

/** A test may use what stands beside it, and the fakes and contracts of its own end; that ground of tests may use all of its end. */
function mayTest(path: string, target: string): boolean {
  if (dirname(path) === dirname(target)) return true;
  const end = path.split("/", 1)[0] ?? "";
  return target.startsWith(`${end}/testing/`) || (path.startsWith(`${end}/testing/`) && target.startsWith(`${end}/`));
}
