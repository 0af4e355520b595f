/** Where things stand in a YAML file, for messages that show the place. */
import { type Document, isNode, isScalar, LineCounter, parseDocument, Scalar } from "yaml";

/** A parsed file that knows its places. */
export class PlacedYaml {
  readonly document: Document;
  private readonly lines = new LineCounter();

  constructor(
    private readonly file: string,
    private readonly text: string,
  ) {
    this.document = parseDocument(text, {
      lineCounter: this.lines,
      prettyErrors: false,
      logLevel: "error",
      uniqueKeys: true,
    });
  }

  /** What is no YAML, a line each. */
  get mistakes(): readonly string[] {
    return this.document.errors.map(({ pos, message }) => `${this.placeOf(pos[0])}: ${message}`);
  }

  /** `file:line:col` of a key's value; of a missing one, of its parent. */
  at(path: readonly PropertyKey[]): string {
    for (let length = path.length; length >= 0; length--) {
      const node: unknown = this.document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return this.placeOf(node.range[0]);
    }
    return this.placeOf(0);
  }

  /**
   * A mistake in a text of the file, `at` characters into it: the place, and the line with a caret below it. Texts that
   * are folded or hold escapes have no character-by-character place: then it is that of the text.
   */
  inText(path: readonly PropertyKey[], message: string, at: number | undefined): string {
    const node: unknown = this.document.getIn(path, true);
    const start = at === undefined || !isScalar(node) ? undefined : this.offsetIn(node, at);
    const key = path.join(".");
    if (start === undefined) return `${this.at(path)}: ${key}: ${message}`;
    const { line, col } = this.lines.linePos(start);
    const shown = this.text.split("\n")[line - 1] ?? "";
    return `${this.file}:${line}:${col}: ${key}: ${message}\n    ${shown}\n    ${" ".repeat(col - 1)}^`;
  }

  private offsetIn({ range, type, value }: Scalar, at: number): number | undefined {
    if (!range || typeof value !== "string") return undefined;
    const [from, to] = range;
    const quoted = type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE;
    if (type === Scalar.BLOCK_LITERAL) {
      const before = value.slice(0, at).split("\n");
      const shown = value.split("\n")[before.length - 1] ?? "";
      const lineStart = nthLine(this.text, this.text.indexOf("\n", from) + 1, before.length - 1);
      const indent = this.text.indexOf(shown, lineStart);
      return indent < 0 ? undefined : indent + (before.at(-1)?.length ?? 0);
    }
    const begin = quoted ? from + 1 : from;
    return this.text.slice(begin, begin + value.length) === value ? Math.min(begin + at, to) : undefined;
  }

  private placeOf(offset: number): string {
    const { line, col } = this.lines.linePos(offset);
    return `${this.file}:${line}:${col}`;
  }
}

function nthLine(text: string, from: number, count: number): number {
  let at = from;
  for (let left = count; left > 0; left--) at = text.indexOf("\n", at) + 1;
  return at;
}
