/** A converted agent as YAML for people: comments say where everything comes from and what became of the rest. */
import { Document, isMap, isPair, isScalar, isSeq, type Node, type Pair } from "yaml";
import { formatKey, formatProblem, type Problem } from "../config/problem.ts";
import type { Converted } from "./convert.ts";

/** The text of the config. `doubts` stand at its beginning. */
export function writeYaml(
  { tree, before, beside }: Converted,
  head: readonly string[],
  doubts: readonly Problem[],
): string {
  const document = new Document(tree, { aliasDuplicateObjects: false });
  comment(document.contents, [], before, beside);
  const said = doubts.map((doubt) => formatProblem(doubt));
  document.commentBefore = [...head, ...said].map((line) => ` ${oneLine(line)}`).join("\n");
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function comment(
  node: Node | null | undefined,
  path: readonly PropertyKey[],
  before: ReadonlyMap<string, readonly string[]>,
  beside: ReadonlyMap<string, string>,
): void {
  if (isMap(node)) {
    for (const item of node.items) if (isPair(item)) commentPair(item, path, before, beside);
  } else if (isSeq(node)) {
    for (const [index, item] of node.items.entries()) {
      const at = [...path, index];
      if (!isMap(item)) continue;
      const lines = before.get(formatKey(at));
      if (lines !== undefined && lines.length > 0)
        item.commentBefore = lines.map((line) => ` ${oneLine(line)}`).join("\n");
      comment(item, at, before, beside);
    }
  }
}

function commentPair(
  { key, value }: Pair,
  path: readonly PropertyKey[],
  before: ReadonlyMap<string, readonly string[]>,
  beside: ReadonlyMap<string, string>,
): void {
  if (!isScalar(key)) return;
  const at = [...path, String(key.value)];
  const lines = before.get(formatKey(at)) ?? [];
  if (lines.length > 0) key.commentBefore = lines.map((line) => ` ${oneLine(line)}`).join("\n");
  const words = beside.get(formatKey(at));
  if (words !== undefined && isScalar(value)) value.comment = ` ${oneLine(words)}`;
  else if (words !== undefined) key.commentBefore = [key.commentBefore ?? [], ` ${oneLine(words)}`].flat().join("\n");
  if (isSeq(value) && value.items.every((item) => isScalar(item)) && words === undefined) value.flow = true;
  if (isMap(value) || isSeq(value)) comment(value, at, before, beside);
}

/** A comment ends with its line. */
function oneLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ");
}
