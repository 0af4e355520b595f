import { type BuildTarget, buildEdge } from "../../build/build.ts";

/** The compiled edge as it is shipped, for this machine or another; built when its sources have changed. */
export async function edgeBinary(target?: BuildTarget): Promise<string> {
  const given = process.env.TAILGATE_BINARY;
  if (given !== undefined && target === undefined) return given;
  return await buildEdge(target === undefined ? {} : { target });
}
