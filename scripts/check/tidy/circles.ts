import type { Finding, Rule, SourceFile } from "./project.ts";

/**
 * No circle of files: what imports each other, on whatever way round, types included, can only be understood, tried and
 * moved as one.
 */
export const noCircles: Rule = (files): Finding[] =>
  findCircles(files).map((circle) => ({
    path: circle[0] ?? "",
    line: 1,
    message: `${circle.join(" ↔ ")} import each other: put what both need into a file of its own`,
  }));

/** Strongly connected sets of more than one file (Tarjan), each sorted. */
function findCircles(files: readonly SourceFile[]): string[][] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (path: string): number => {
    const number = order.size;
    order.set(path, number);
    lowest.set(path, number);
    stack.push(path);
    for (const { target } of byPath.get(path)?.imports ?? []) {
      if (target === undefined || !byPath.has(target)) continue;
      const reached = order.has(target) ? (stack.includes(target) ? (order.get(target) ?? 0) : number) : visit(target);
      lowest.set(path, Math.min(lowest.get(path) ?? number, reached));
    }
    if (lowest.get(path) === number) {
      const circle = stack.splice(stack.indexOf(path));
      if (circle.length > 1) circles.push(circle.sort());
    }
    return lowest.get(path) ?? number;
  };
  for (const { path } of files) if (!order.has(path)) visit(path);
  return circles;
}
