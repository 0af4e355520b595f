import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { EventView } from "../core/event-view.ts";
import module from "../interceptors/module.ts";
import { fakeContext } from "../testing/fakes/component.ts";
import { interceptorSkeleton } from "./init-interceptor.ts";

test("the module that is printed loads, sets its header and drops what it is told to", async () => {
  using dir = tempDir();
  writeFileSync(dir.file("interceptor.ts"), interceptorSkeleton);
  const options = { header: "area", value: "north", drop: "^DEBUG" };
  const reading = module.read({ path: dir.file("interceptor.ts"), options });
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues));
  const interceptor = await reading.value.create(fakeContext());
  const see = (text: string) => {
    const view = new EventView();
    const body = Buffer.from(text);
    view.reset(body, 0, body.length, 0);
    return { kept: interceptor.intercept(view), area: view.header("area") };
  };
  expect(see("one")).toEqual({ kept: true, area: "north" });
  expect(see("DEBUG two")).toEqual({ kept: false, area: undefined });
});
