import { expect, test } from "bun:test";
import { inheritedDescriptor, runtimeEnvironment, withRuntimeSettings } from "./runtime-environment.ts";

test("what is missing is added, what somebody set stands, and the second start finds nothing missing", () => {
  const given = { PATH: "/bin", BUN_JSC_forceRAMSize: "99" };
  const complete = withRuntimeSettings(given);
  expect(complete).toEqual({ ...runtimeEnvironment, ...given });
  expect(withRuntimeSettings(complete ?? {})).toBeUndefined();
  expect(withRuntimeSettings({ ...runtimeEnvironment })).toBeUndefined();
});

test.each([
  [["/dev/fd/63"], "/dev/fd/63"],
  [["--force", undefined, "--config=/proc/self/fd/3"], "/proc/self/fd/3"],
  [["/proc/1234/fd/012"], "/proc/1234/fd/012"],
  [["/dev/fd/0", "/dev/fd/2", "/dev/stdin", "/etc/dev/fd/x", "/dev/fd/63/x", "fd/63"], undefined],
  [[], undefined],
])("of %p the second start would not have %p", (words, found) => {
  expect(inheritedDescriptor(words)).toBe(found);
});
