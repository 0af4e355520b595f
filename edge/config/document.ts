/**
 * A config file as a value, with the place of everything in it. npm `yaml` gives positions and refuses duplicate keys;
 * this file walks its tree itself, so that `${…}` are put in value by value and every key keeps its line.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parse, parseDocument } from "yaml";
import { type Environment, interpolate } from "./interpolate.ts";
import { formatKey, type Problem } from "./problem.ts";

/** Line and column, from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Where a key of a map stands, or its value. */
export type Part = "key" | "value";

type Path = readonly PropertyKey[];

const start: TextPosition = { line: 1, column: 1 };
/** More than any config; fewer than an alias that multiplies itself would make. */
const nodesMax = 100_000;

/** The parsed file. Problems of the YAML itself, and of `${…}`, are in `problems`. */
export class ConfigDocument {
  readonly root: unknown;
  private readonly mistakes: Problem[] = [];
  private readonly positions = new Map<string, Readonly<Record<Part, TextPosition>>>();
  private readonly interpolated = new Map<string, unknown>();
  /** Places whose value came from a variable or a file, with the value. */
  readonly outside: { readonly path: Path; readonly text: string }[] = [];
  private readonly lines = new LineCounter();
  private readonly document: Document.Parsed;
  private nodes = 0;
  /** The YAML has no reliable shape: what it seems to lack would only be noise. */
  broken = false;

  constructor(
    readonly file: string,
    text: string,
    private readonly environment: Environment,
  ) {
    this.document = parseDocument(text, {
      lineCounter: this.lines,
      prettyErrors: false,
      logLevel: "error",
      version: "1.2",
    });
    for (const error of this.document.errors) {
      // A key that is there twice leaves the rest of the file as readable as it was: its other mistakes are said, too.
      const twice = error.code === "DUPLICATE_KEY";
      const message = twice ? `the key "${wordAt(text, error.pos[0])}" is there twice` : error.message;
      this.mistakes.push({ file, ...this.at(error.pos[0]), key: "", message, hint: undefined });
      this.broken ||= !twice;
    }
    this.root = this.build(this.document.contents, [], start);
  }

  get problems(): readonly Problem[] {
    return this.mistakes;
  }

  /** A problem at the place of `path`, or of the nearest thing around it that is there. */
  problem(path: Path, message: string, hint?: string, part: Part = "value"): Problem {
    return { file: this.file, ...this.positionOf(path, part), key: formatKey(path), message, hint };
  }

  positionOf(path: Path, part: Part): TextPosition {
    const exact = this.positions.get(JSON.stringify(path));
    if (exact !== undefined) return exact[part];
    // What is missing is missing in the thing around it: its name is what the reader looks for.
    return path.length === 0 ? start : this.positionOf(path.slice(0, -1), "key");
  }

  /** What an interpolated text is when YAML reads it (`8` the number); undefined where nothing was put in, or it stays a text. */
  reread(path: Path): unknown {
    return this.interpolated.get(JSON.stringify(path));
  }

  private build(node: Node | null, path: Path, key: TextPosition): unknown {
    const value = node?.range == null ? key : this.at(node.range[0]);
    this.positions.set(JSON.stringify(path), { key: path.length === 0 ? value : key, value });
    if (++this.nodes > nodesMax) {
      if (this.nodes === nodesMax + 1) this.mistakes.push(this.problem(path, `more than ${nodesMax} values`));
      return undefined;
    }
    if (isAlias(node)) return this.build(node.resolve(this.document) ?? null, path, key);
    if (isMap(node)) return this.buildMap(node.items, path);
    if (isSeq(node)) return node.items.map((item, index) => this.build(asNode(item), [...path, index], value));
    if (!isScalar(node)) return undefined;
    if (typeof node.value !== "string") return node.value;
    return this.scalar(node.value, path);
  }

  private buildMap(items: readonly { key: unknown; value: unknown }[], path: Path): Record<string, unknown> {
    const built: Record<string, unknown> = {};
    for (const item of items) {
      const name = isScalar(item.key) ? String(item.key.value) : String(item.key);
      const node = asNode(item.key);
      const position = node?.range == null ? start : this.at(node.range[0]);
      // defineProperty: a key called __proto__ is a key like any other.
      const value = this.build(asNode(item.value), [...path, name], position);
      Object.defineProperty(built, name, { value, enumerable: true, writable: true, configurable: true });
    }
    return built;
  }

  private scalar(text: string, path: Path): string {
    const result = interpolate(text, this.environment);
    if (!result.ok) {
      this.mistakes.push(this.problem(path, result.message, result.hint));
      return text;
    }
    if (result.outside) this.outside.push({ path, text: result.text });
    if (result.changed) {
      const reread = rereadScalar(result.text);
      if (reread !== undefined) this.interpolated.set(JSON.stringify(path), reread);
    }
    return result.text;
  }

  private at(offset: number): TextPosition {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

function asNode(item: unknown): Node | null {
  return isScalar(item) || isMap(item) || isSeq(item) || isAlias(item) ? item : null;
}

function rereadScalar(text: string): unknown {
  if (!/^(?:true|false|[-+.\d][\w.+-]*)$/i.test(text)) return undefined;
  const value: unknown = parse(text);
  return typeof value === "string" ? undefined : value;
}

function wordAt(text: string, offset: number): string {
  return /^["']?([^\s:"',}]+)/.exec(text.slice(offset))?.[1] ?? "?";
}
