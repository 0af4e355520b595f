import { expect, test } from "bun:test";
import type { Fields } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { type FileId, type FileReader, FileReaders } from "./file-readers.ts";

class Reader implements FileReader {
  readonly files = new Map<string, string>();
  constructor(
    readonly name: string,
    private readonly readers: FileReaders,
  ) {}

  pathOf({ device, inode }: FileId): string | undefined {
    return this.files.get(`${device}:${inode}`);
  }

  take(id: FileId, path: string): void {
    this.files.set(`${id.device}:${id.inode}`, path);
    this.readers.took(this, id, path);
  }

  letGo(id: FileId): void {
    this.files.delete(`${id.device}:${id.inode}`);
    this.readers.letGo(this, id);
  }
}

const id = (inode: bigint, device = 1n): FileId => ({ device, inode });

function world(...names: readonly string[]) {
  const said: Fields[] = [];
  const metrics = new Metrics();
  const readers = new FileReaders((_, fields = {}) => void said.push(fields));
  const all = names.map((name) => new Reader(name, readers));
  for (const reader of all) readers.join(reader, metrics);
  const [a = new Reader("a", readers), b = new Reader("b", readers), c = new Reader("c", readers)] = all;
  return { said, readers, a, b, c, page: () => metrics.render() };
}

test("a file that two sources read is said once, shown to both, and counted", () => {
  const { said, readers, a, b, page } = world("a", "b");
  a.take(id(7n), "/L/x.log");
  expect(said).toEqual([]);
  b.take(id(7n), "/M/x.log");
  b.take(id(7n), "/M/x.log");
  expect(said).toEqual([{ path: "/M/x.log", also: "/L/x.log", sources: "a, b" }]);
  expect(readers.sharedBy(a)).toEqual([{ path: "/L/x.log", with: [{ source: "b", path: "/M/x.log" }] }]);
  expect(readers.sharedBy(b)).toEqual([{ path: "/M/x.log", with: [{ source: "a", path: "/L/x.log" }] }]);
  expect(page()).toContain('tailgate_source_shared_files{source="a"} 1');
});

test("it is forgotten when one of them lets go, and when one of them ends", () => {
  const { readers, a, b, c, page } = world("a", "b", "c");
  for (const reader of [a, b, c]) reader.take(id(7n), "/L/x.log");
  c.letGo(id(7n));
  expect(readers.sharedBy(a).map((shared) => shared.with)).toEqual([[{ source: "b", path: "/L/x.log" }]]);
  readers.leave(b);
  expect(readers.sharedBy(a)).toEqual([]);
  expect(page()).toContain('tailgate_source_shared_files{source="a"} 0');
});

test("the same inode on another file system is another file, and each generation of a log is not said again", () => {
  const { said, readers, a, b } = world("a", "b");
  a.take(id(7n, 1n), "/L/x.log");
  b.take(id(7n, 2n), "/M/x.log");
  expect(readers.sharedBy(a)).toEqual([]);
  for (const inode of [8n, 9n]) for (const reader of [a, b]) reader.take(id(inode), "/L/x.log");
  expect(said).toEqual([{ path: "/L/x.log", sources: "a, b" }]);
  expect(readers.sharedBy(a)).toHaveLength(2);
});

test("a source that has left answers for nothing", () => {
  const { said, readers, a, b } = world("a", "b");
  a.take(id(7n), "/L/x.log");
  readers.leave(b);
  b.take(id(7n), "/L/x.log");
  expect(said).toEqual([]);
});
