import { expect, test } from "bun:test";
import { withBaseDirectory } from "../shared/config/base-directory.ts";
import { sameConfig } from "./engine/same-config.ts";
import { registry } from "./registry.gen.ts";

test("every component's example, read twice, is equal: a reload that changes nothing restarts nothing", () => {
  const { sources, interceptors, selectors, channels, sinks } = registry;
  for (const definition of [...sources, ...interceptors, ...selectors, ...channels, ...sinks]) {
    const read = () => withBaseDirectory("/etc/tailgate", () => definition.read(definition.example));
    const [first, second] = [read(), read()];
    if (!first.ok || !second.ok) continue; // it names a file that is not on this machine
    expect([definition.type, sameConfig(first.value, second.value)]).toEqual([definition.type, true]);
  }
});
