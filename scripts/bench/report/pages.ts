import type { CaseResult } from "./results.ts";
/** todo */
export function writePages(_results: ReadonlyMap<string, CaseResult>): void {}
