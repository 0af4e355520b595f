import { exportsOf, type Finding, isTest, lineAt, type Rule } from "./project.ts";

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
      .flatMap((file) =>
        exportsOf(file).flatMap(({ name, at }): Finding[] => {
          const { path, text } = file;
          if (!/^[A-Z]/.test(name)) return [];
          const known = first.get(name);
          first.set(name, known ?? path);
          if (known === undefined || known === path || sameInEach.has(name)) return [];
          const line = lineAt(text, at);
          return [{ path, line, message: `${name} means something else in ${known}: give one of them another name` }];
        }),
      );
  });
