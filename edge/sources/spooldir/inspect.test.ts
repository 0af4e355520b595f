import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import definition from "./index.ts";

test("a spool directory that is not there, is a file, or is our own is said before it runs", async () => {
  using dir = tempDir();
  const [spool, data, file] = [dir.file("spool"), dir.file("data"), dir.file("file")];
  mkdirSync(data);
  writeFileSync(file, "");
  const says = async (path: string) => {
    const reading = definition.read({ path });
    if (!reading.ok) throw new Error("the test's config is wrong");
    const remarks = (await reading.value.inspect?.({ dataDir: data, ownFiles: [], claim: () => undefined })) ?? [];
    return remarks.map(({ level, message }) => `${level}: ${message}`);
  };
  expect(await says(spool)).toEqual([`note: "${spool}": is not there yet; it is looked for again and again`]);
  expect(await says(file)).toEqual([`warning: "${file}": is no folder`]);
  expect(await says(data)).toEqual([`warning: "${data}": lies in the agent's own data folder, which is never read`]);
  mkdirSync(spool);
  expect(await says(spool)).toEqual([]);
  writeFileSync(`${spool}/a.csv`, "");
  symlinkSync("nowhere", `${spool}/b.csv`);
  symlinkSync("c.csv", `${spool}/c.csv`);
  expect(await says(spool)).toEqual([
    `warning: "${spool}": b.csv is not read: it is a link that leads to nothing`,
    `warning: "${spool}": c.csv is not read: it is a link that leads in a circle`,
  ]);
});
