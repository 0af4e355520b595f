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
  {
    at: /^scripts\/drivers\//,
    may: () => ["scripts/drivers/", "scripts/build/", "shared/"],
    instead: "a driver starts a program and talks to it from outside; it knows none of the programs' code",
  },
  {
    at: /^scripts\/replay\//,
    may: () => ["scripts/", "shared/"],
    instead: "a promise is tried from outside: compiled edge, running centre, simulator",
  },
  { at: /^shared\//, may: () => ["shared/"], instead: "move what both need into shared, or pass it in" },
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
    at: new RegExp(`^edge/(${componentKinds})/([^/]+)/`),
    may: ([, kind = "", name = ""]) => [`edge/${kind}/${name}/`, "edge/core/", "edge/records/", "shared/"],
    instead: "a component knows the core and shared; what two components need belongs into one of these",
  },
  {
    at: new RegExp(`^edge/(${componentKinds})/[^/]+$`),
    may: () => ["edge/core/", "edge/records/", "shared/"],
    instead: "a component knows the core and shared; what two components need belongs into one of these",
  },
  {
    at: /^edge\/(engine|config|admin)\//,
    may: ([, part = ""]) => [`edge/${part}/`, "edge/config/agent-config.ts", "edge/core/", "shared/"],
    instead: "it knows the core and the shape of a config, and is handed the rest",
  },
  { at: /^edge\//, may: () => ["edge/", "shared/"], instead: "the edge knows itself and shared" },
];

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

/** A test puts parts of its own end together with that end's fakes and contracts; the other end and the top floor stay out of reach. */
function mayTest(path: string, target: string): boolean {
  const end = path.split("/", 1)[0] ?? "";
  return target.startsWith(`${end}/`);
}
