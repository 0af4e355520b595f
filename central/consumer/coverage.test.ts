import { expect, test } from "bun:test";
import { type ClusterView, Coverage } from "./coverage.ts";

const at = (partition: number) => ({ topic: "drive", partition });
const member = (...partitions: number[]) => ({ clientId: "c", clientHost: "h", partitions: partitions.map(at) });

function view(protocol: string, ...members: ReturnType<typeof member>[]): ClusterView {
  const partitions = [0, 1, 2].map((partition) => ({ ...at(partition), endOffset: 100, startOffset: 0 }));
  return { partitions, group: { protocol, members } };
}

const readers = (coverage: Coverage, ours: number[], nowMs: number) =>
  coverage.others(ours.map(at), nowMs).map(({ partition, reader, unreadForMs }) => [partition, reader, unreadForMs]);

test("a partition is read when it is ours or a member's with the same store", () => {
  const coverage = new Coverage();
  coverage.look(view("us", member(0), member(1, 2)), "us", 0);
  expect(readers(coverage, [0], 60_000 - 31_000)).toEqual([
    [1, "sibling", 0],
    [2, "sibling", 0],
  ]);
});

test("a partition that nobody has, or a member with another store, is unread from when it was first found so", () => {
  const coverage = new Coverage();
  coverage.look(view("us", member(0), member(1)), "us", 0);
  expect(readers(coverage, [0], 0)).toContainEqual([2, "nobody", 0]);
  coverage.look(view("them", member(0, 1, 2)), "us", 10_000);
  expect(readers(coverage, [], 10_000)).toEqual([
    [0, "stranger", 0],
    [1, "stranger", 0],
    [2, "stranger", 10_000],
  ]);
  coverage.look(view("us", member(0, 1, 2)), "us", 20_000);
  expect(readers(coverage, [0, 1, 2], 20_000)).toEqual([]);
  coverage.look(view("us"), "us", 30_000);
  expect(readers(coverage, [], 30_000)).toContainEqual([2, "nobody", 0]);
});

test("a look that is too old accuses nobody", () => {
  const coverage = new Coverage();
  coverage.look(view(""), "us", 0);
  expect(readers(coverage, [], 25_000)).toContainEqual([1, "nobody", 0]);
  expect(readers(coverage, [], 31_000)).toContainEqual([1, "unknown", 0]);
});
