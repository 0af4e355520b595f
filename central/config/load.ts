/**
 * File and environment → a valid config, or all mistakes at once: each with file:line:column or the variable's name,
 * the key, what is wrong, and the nearest valid name where a key is unknown.
 */
import { dirname, resolve } from "node:path";
import { type Document, isNode, LineCounter, parseDocument } from "yaml";
import { z } from "zod";
import { withBaseDirectory } from "../../shared/config/base-directory.ts";
import { suggest } from "../../shared/config/nearest.ts";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { readNamedText, textBytesMax } from "../../shared/files/read-named.ts";
import { fileHint } from "../../shared/files/refusal.ts";
import { isRecord, overlay } from "./environment.ts";
import { CentralConfig } from "./schema.ts";

/** What is read: a YAML file, if there is one, under the environment. */
export interface ConfigSources {
  readonly file: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** @throws AppError `CONFIG_INVALID`, its message naming every mistake, a line each. */
export function loadConfig({ file, environment }: ConfigSources): CentralConfig {
  const lines = new LineCounter();
  const document = file === undefined ? undefined : readYaml(file, lines);
  const content: unknown = document === undefined ? {} : (contentOf(document, file) ?? {});
  if (!isRecord(content)) throw invalid([`${file}:1:1: the config is a list or a text; write keys and values`]);
  const setBy = overlay(content, environment);
  const base = file === undefined ? process.cwd() : dirname(resolve(file));
  const result = withBaseDirectory(base, () => CentralConfig.safeParse(content));
  if (result.success) return result.data;
  throw invalid(result.error.issues.flatMap((issue) => explain(issue, (path) => place(path))));

  function place(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const key = path.slice(0, length).join(".");
      const name = setBy.get(key) ?? setBy.get(`${key}.file`);
      if (name !== undefined) return name;
    }
    if (document === undefined || file === undefined) return "config";
    const { line, col } = lines.linePos(offsetOf(document, path));
    return `${file}:${line}:${col}`;
  }
}

function readYaml(file: string, lineCounter: LineCounter): Document {
  let text: string;
  try {
    text = readNamedText(file, { bytesMax: textBytesMax });
  } catch (thrown) {
    const hint = fileHint(thrown);
    throw new AppError("CONFIG_INVALID", `read the config ${file}`, { cause: thrown, ...(hint && { hint }) });
  }
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error", uniqueKeys: true });
  if (document.errors.length === 0) return document;
  throw invalid(
    document.errors.map(({ pos, message }) => {
      const { line, col } = lineCounter.linePos(pos[0]);
      return `${file}:${line}:${col}: ${message}`;
    }),
  );
}

/** @throws AppError `CONFIG_INVALID` for an alias without its anchor, and for aliases that would unfold without end. */
function contentOf(document: Document, file: string | undefined): unknown {
  try {
    return document.toJS();
  } catch (thrown) {
    throw invalid([`${file}:1:1: ${messageOf(thrown)}`]);
  }
}

function explain(issue: z.core.$ZodIssue, place: (path: readonly PropertyKey[]) => string): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const hint = suggest(key, keysAt(issue.path));
      return `${place(path)}: ${path.join(".")}: no such key${hint === undefined ? "" : `; ${hint}`}`;
    });
  }
  const path = issue.path.join(".");
  return [`${place(issue.path)}: ${path === "" ? "" : `${path}: `}${issue.message}`];
}

/** The keys that the schema knows at a path. */
function keysAt(path: readonly PropertyKey[]): readonly string[] {
  let schema: unknown = CentralConfig;
  for (const key of path) {
    const shape = shapeOf(schema);
    schema = shape === undefined ? undefined : shape[String(key)];
  }
  return Object.keys(shapeOf(schema) ?? {});
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  if (schema instanceof z.ZodObject) return schema.shape;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return shapeOf(schema.unwrap());
  }
  return undefined;
}

/** Where a key stands in the file; of a missing one, where its parent does. */
function offsetOf(document: Document, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function invalid(mistakes: readonly string[]): AppError {
  return new AppError("CONFIG_INVALID", `check the config:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`);
}
