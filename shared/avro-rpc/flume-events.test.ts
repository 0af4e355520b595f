import { expect, test } from "bun:test";
import { AvroReader, AvroWriter } from "./binary.ts";
import { readEvent } from "./flume-events.ts";

test("of two equal headers the last one counts, whatever they are called", () => {
  for (const name of ["host", "__proto__"]) {
    const writer = new AvroWriter();
    writer.long(2).string(name).string("first").string(name).string("last").long(0).bytes(Buffer.from("body"));
    const { headers, body } = readEvent(new AvroReader(Buffer.from(writer.written)));
    expect(Object.entries(headers)).toEqual([[name, "last"]]);
    expect(body.toString()).toBe("body");
  }
});
