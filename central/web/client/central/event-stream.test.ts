import { expect, test } from "bun:test";

// What the module takes from a browser when it is read.
Object.assign(globalThis, { sessionStorage: { getItem: () => null, setItem: () => undefined } });
const { EventParser } = await import("./event-stream.ts");

test("events come whole, however their text is cut", () => {
  const text =
    'event: ready\nid: a\ndata: {}\n\ndata: {"x":1}\nid: b\n\n: heartbeat\nid: c\n\ndata: one\ndata: two\n\nevent: skipped\ndata: 3\n\n';
  for (let size = 1; size < 20; size++) {
    const parser = new EventParser();
    const found = [];
    for (let at = 0; at < text.length; at += size) found.push(...parser.take(text.slice(at, at + size)));
    expect(found).toEqual([
      { type: "ready", id: "a", data: "{}" },
      { type: "message", id: "b", data: '{"x":1}' },
      { type: "message", id: undefined, data: "one\ntwo" },
      { type: "skipped", id: undefined, data: "3" },
    ]);
    expect(parser.lastId).toBe("c");
  }
});
