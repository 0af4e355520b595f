import type { BenchCase } from "./cases/case.ts";
import type { Options } from "./options.ts";

/** What will be measured. */
export interface Choice<Case> {
  readonly cases: readonly Case[];
  /** Whether that takes the memory of a big case, however it was chosen: by `--big`, or by its name. */
  readonly big: boolean;
}

/** Chooses among the cases: those named, or all that `--big` and `--soak` allow. */
export function choose<Case extends Pick<BenchCase, "name" | "size">>(
  all: readonly Case[],
  { cases: names, big, soak, quick }: Pick<Options, "cases" | "big" | "soak" | "quick">,
): Choice<Case> {
  const cases = all.filter(({ name, size }) =>
    names.length > 0
      ? names.includes(name)
      : size === "ordinary" || (size === "big" && big) || (size === "soak" && soak),
  );
  return { cases, big: !quick && cases.some(({ size }) => size === "big") };
}
