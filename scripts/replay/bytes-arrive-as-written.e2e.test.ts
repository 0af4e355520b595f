import { expect, test } from "bun:test";
import { readTopic } from "../drivers/kafka/topic.ts";
import { sharedBroker } from "./world/shared-broker.ts";
import { proven, startWorld } from "./world/world.ts";

const broker = sharedBroker();

for (const compression of ["none", "gzip", "zstd"]) {
  test(`kcat reads byte for byte what was written, keyed, also after a crash (codec ${compression})`, async () => {
    await using world = await startWorld({
      broker: broker(),
      topic: { partitions: 4 },
      changes: { channel: { compression }, sink: { partition: "key" } },
    });
    const { edge, log, topic } = world;
    await edge.start();
    log.write(10_000);
    await edge.wait("something to be sent", ({ books }) => (books[0]?.sent ?? 0) > 0);
    await edge.kill();
    log.write(10_000);
    await edge.start();
    await edge.hasSettled(log.written);
    expect(await world.proof()).toMatchObject(proven);
    const wrongKeys = await keysThatAreNot(topic, (value) => /"car":"([^"]+)"/.exec(value)?.[1]);
    expect(wrongKeys).toBe(0);
  }, 300_000);
}

test("what a filter drops does not arrive, what it keeps arrives as it was written", async () => {
  const filter = { type: "regex_filter", exclude: '"brake":1' };
  await using world = await startWorld({ broker: broker(), changes: { source: { interceptors: [filter] } } });
  const { edge, log } = world;
  await edge.start();
  log.write(20_000);
  await edge.hasSettled(log.written);
  expect(await world.proof((n) => !log.lines.text(n).includes('"brake":1'))).toMatchObject(proven);
  expect((await edge.book()).filtered).toBeGreaterThan(5_000);
}, 300_000);

test("bytes that are no text arrive as they are: NUL, invalid UTF-8, empty lines, a line without an end", async () => {
  const odd = [
    Buffer.from([0]),
    Buffer.from([0xff, 0xfe, 0x80, 0xc3]),
    Buffer.alloc(0),
    Buffer.from("\r"),
    Buffer.from("ünï\u0000çödé \u{1f697}"),
    Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10)),
    Buffer.alloc(100_000, 0x41),
  ];
  for (const compression of ["none", "gzip", "zstd"]) {
    await using world = await startWorld({ broker: broker(), changes: { channel: { compression, identity: false } } });
    const { edge, log, topic } = world;
    log.writeBytes(Buffer.concat(odd.flatMap((line) => [line, Buffer.from("\n")])));
    log.writeBytes(Buffer.from("a half line waits"));
    await edge.start();
    await edge.hasSettled(odd.length);
    log.writeBytes(Buffer.from(" for its end\n"));
    await edge.hasSettled(odd.length + 1);
    const values: Buffer[] = [];
    await readTopic(broker().internalAddress, topic, ({ value }) => values.push(Buffer.from(value ?? Buffer.alloc(0))));
    expect(values).toEqual([...odd, Buffer.from("a half line waits for its end")]);
  }
}, 300_000);

async function keysThatAreNot(topic: string, keyOf: (value: string) => string | undefined): Promise<number> {
  let wrong = 0;
  await readTopic(broker().internalAddress, topic, ({ key, value }) => {
    if (key?.toString() !== keyOf(value?.toString() ?? "")) wrong++;
  });
  return wrong;
}
