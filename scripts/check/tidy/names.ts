import { type Finding, isTest, lineAt, type Rule } from "./project.ts";

const exported =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|const|interface|type|enum)\s+([A-Z]\w+)/gm;
/** The config of a component has this name in each component. */
const sameInEach = new Set(["Config"]);
/** Each is a program by itself; what they share is part of both. */
const programs = ["edge", "central"];

/**
 * A name means one thing in a program: no two of its modules export a type or class of the same name. A schema and its type,
 * which stand in one file, are one thing.
 */
export const oneMeaningAName: Rule = (files) =>
  programs.flatMap((program) => {
    const first = new Map<string, string>();
    const parts = new RegExp(`^(?:${program}|shared)/(?!.*testing/).+\\.ts$`);
    return files
      .filter(({ path }) => parts.test(path) && !isTest(path))
      .flatMap(({ path, code, text }) =>
        [...code.matchAll(exported)].flatMap((match): Finding[] => {
          const name = match[1] ?? "";
          const known = first.get(name);
          first.set(name, known ?? path);
          if (known === undefined || known === path || sameInEach.has(name)) return [];
          const line = lineAt(text, match.index);
          return [{ path, line, message: `${name} means something else in ${known}: give one of them another name` }];
        }),
      );
  });
