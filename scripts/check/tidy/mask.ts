/**
 * The same text with comments and the insides of strings, templates and regular expressions blanked, character for
 * character, so that a rule that looks for `console.` finds code and no prose, and every offset stays true.
 */
export function mask(source: string): { readonly code: string; readonly comments: string } {
  const code = source.split("");
  const comments = source.replace(/[^\n]/g, " ").split("");
  let at = 0;
  /** Depth of braces at which a `}` ends the `${` of a template. */
  const templates: number[] = [];
  let depth = 0;

  const blank = (from: number, to: number) => {
    for (let index = from; index < to; index++) if (code[index] !== "\n") code[index] = " ";
  };
  const comment = (end: number) => {
    for (let index = at; index < end; index++) comments[index] = source[index] ?? " ";
    blank(at, end);
    at = end;
  };
  /** From behind the opening quote to the closing one; both stay. */
  const string = (quote: string) => {
    const start = ++at;
    while (at < source.length && source[at] !== quote && source[at] !== "\n") at += source[at] === "\\" ? 2 : 1;
    blank(start, at);
    at++;
  };
  const template = () => {
    const start = at;
    while (at < source.length && source[at] !== "`" && !source.startsWith("${", at)) at += source[at] === "\\" ? 2 : 1;
    blank(start, at);
    if (source[at] === "`") {
      at++;
    } else {
      at += 2;
      templates.push(depth++);
    }
  };
  const regex = () => {
    const start = ++at;
    for (let inClass = false; at < source.length && source[at] !== "\n"; at++) {
      const character = source[at];
      if (character === "\\") at++;
      else if (character === "[") inClass = true;
      else if (character === "]") inClass = false;
      else if (character === "/" && !inClass) break;
    }
    blank(start, at);
    at++;
  };

  while (at < source.length) {
    const character = source[at] ?? "";
    if (source.startsWith("//", at)) comment(lineEnd(source, at));
    else if (source.startsWith("/*", at)) comment(endOf(source, "*/", at));
    else if (character === '"' || character === "'") string(character);
    else if (character === "`") {
      at++;
      template();
    } else if (character === "/" && regexMayBegin(code, at)) regex();
    else {
      if (character === "{") depth++;
      if (character === "}" && --depth === templates.at(-1)) {
        templates.pop();
        at++;
        template();
      } else at++;
    }
  }
  return { code: code.join(""), comments: comments.join("") };
}

function lineEnd(source: string, from: number): number {
  const end = source.indexOf("\n", from);
  return end < 0 ? source.length : end;
}

function endOf(source: string, mark: string, from: number): number {
  const end = source.indexOf(mark, from + mark.length);
  return end < 0 ? source.length : end + mark.length;
}

/** A slash divides behind a value and begins a regular expression anywhere else. */
function regexMayBegin(code: readonly string[], at: number): boolean {
  let before = at - 1;
  while (before >= 0 && /\s/.test(code[before] ?? "")) before--;
  const last = code[before] ?? "";
  if (last === "" || "(,=:[!&|?{};+-*%<>~^".includes(last)) return true;
  const word = /[a-z]+$/.exec(code.slice(Math.max(0, before - 9), before + 1).join(""))?.[0];
  return word === "return" || word === "typeof" || word === "case" || word === "in" || word === "of";
}
