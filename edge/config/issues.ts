/**
 * Turns Zod's issues into problems with a place, a sentence and the nearest valid word. What may stand where is asked
 * of the schema itself (as JSON Schema), so a new field is suggested without a line here.
 */
import { z } from "zod";
import { suggest } from "../../shared/config/nearest.ts";
import type { ConfigDocument } from "./document.ts";
import type { Problem } from "./problem.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** The part of a document that one schema validates. */
export interface Section {
  readonly document: ConfigDocument;
  readonly schema: z.ZodType;
  /** Where the part stands. */
  readonly base: Path;
  readonly value: unknown;
  /** Keys that are read elsewhere (`type`, `channel`, …) but valid here, for suggestions. */
  readonly alsoValid?: readonly string[];
}

/** All problems of a section. */
export function problemsOf(issues: readonly Issue[], section: Section): readonly Problem[] {
  return issues.flatMap((issue) => problemsOfIssue(issue, [], section));
}

function problemsOfIssue(issue: Issue, outer: Path, section: Section): readonly Problem[] {
  const { document, base } = section;
  const inside = [...outer, ...issue.path];
  const path = [...base, ...inside];
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => {
        const valid = keysAt(section, inside);
        return document.problem([...path, key], `unknown key "${key}"`, suggest(key, valid, "valid keys"), "key");
      });
    case "invalid_union":
      return unionProblems(issue, inside, section);
    case "invalid_type": {
      const missing = valueAt(section.value, inside) === undefined;
      if (missing) return [document.problem(path, "is missing", describe(section, inside))];
      return [
        document.problem(path, `${kindOf(valueAt(section.value, inside))} where a ${word(issue.expected)} belongs`),
      ];
    }
    case "invalid_value": {
      const valid = issue.values.map(String);
      const written = valueAt(section.value, inside);
      if (written === undefined) return [document.problem(path, "is missing", `one of ${valid.join(", ")}`)];
      return [document.problem(path, `${show(written)} is not valid here`, suggest(String(written), valid, "one of"))];
    }
    case "invalid_key":
      return [document.problem(path, issue.issues[0]?.message ?? issue.message, undefined, "key")];
    default:
      return [document.problem(path, lowerFirst(issue.message))];
  }
}

/** Of a union, the alternative that was meant: the one whose outer shape fits. When none does, the union's own words. */
function unionProblems(issue: Issue & { code: "invalid_union" }, inside: Path, section: Section): readonly Problem[] {
  const meant = issue.errors.filter(
    (branch) => !branch.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  const [branch] = meant;
  if (branch !== undefined && meant.length === 1)
    return branch.flatMap((each) => problemsOfIssue(each, inside, section));
  const path = [...section.base, ...inside];
  const missing = valueAt(section.value, inside) === undefined;
  if (missing) return [section.document.problem(path, "is missing", describe(section, inside))];
  return [section.document.problem(path, lowerFirst(issue.message))];
}

function lowerFirst(message: string): string {
  return message.startsWith("Invalid regular") ? message : message.charAt(0).toLowerCase() + message.slice(1);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, part) => {
    return typeof at === "object" && at !== null ? Reflect.get(at, part) : undefined;
  }, value);
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The keys that may stand in the object at `path`. */
function keysAt(section: Section, path: Path): readonly string[] {
  const schemas = schemasAt(section.schema, path);
  const keys = schemas.flatMap((schema) => Object.keys(schema.properties ?? {}));
  return [...new Set([...keys, ...(path.length === 0 ? (section.alsoValid ?? []) : [])])];
}

function describe(section: Section, path: Path): string | undefined {
  return schemasAt(section.schema, path).find(({ description }) => description !== undefined)?.description;
}

function schemasAt(schema: z.ZodType, path: Path): readonly JsonSchema[] {
  let at = alternatives(z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }));
  for (const part of path) {
    at = at.flatMap((each) => {
      const inner =
        typeof part === "number" ? each.items : (each.properties?.[String(part)] ?? each.additionalProperties);
      return typeof inner === "object" && !Array.isArray(inner) ? alternatives(inner) : [];
    });
  }
  return at;
}

function alternatives(schema: JsonSchema): readonly JsonSchema[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])];
  return [schema, ...inner.flatMap((each) => (typeof each === "object" ? alternatives(each) : []))];
}

function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a map";
  return show(value);
}

function word(expected: string): string {
  return { string: "text", object: "map", record: "map", array: "list", int: "whole number" }[expected] ?? expected;
}

function show(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : typeof value === "object" ? kindOf(value) : String(value);
}
