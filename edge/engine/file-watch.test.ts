import { expect, test } from "bun:test";
import { ArrayStore } from "../testing/fakes/array-store.ts";
import { FileWatch } from "./file-watch.ts";

test("a file that is taken away is said once, and once that it is back", () => {
  const said: string[] = [];
  const store = new ArrayStore();
  const watch = new FileWatch(
    () => store,
    ({ name }) => void said.push(name),
  );
  watch.look();
  store.misplacedBecause = "it was moved";
  watch.look();
  watch.look();
  expect(said).toEqual(["channel_file_gone"]);
  store.misplacedBecause = undefined;
  watch.look();
  watch.look();
  store.misplacedBecause = "it was moved again";
  watch.look();
  expect(said).toEqual(["channel_file_gone", "channel_file_back", "channel_file_gone"]);
});
