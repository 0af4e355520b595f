import { expect, test } from "bun:test";
import { runtimeEnvironment, withRuntimeSettings } from "./runtime-environment.ts";

test("what is missing is added, what somebody set stands, and the second start finds nothing missing", () => {
  const given = { PATH: "/bin", BUN_JSC_forceRAMSize: "99" };
  const complete = withRuntimeSettings(given);
  expect(complete).toEqual({ ...runtimeEnvironment, ...given });
  expect(withRuntimeSettings(complete ?? {})).toBeUndefined();
  expect(withRuntimeSettings({ ...runtimeEnvironment })).toBeUndefined();
});
