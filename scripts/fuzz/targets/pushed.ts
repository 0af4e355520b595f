/** What senders push to an edge's listeners. */
import { EventView } from "../../../edge/core/event-view.ts";
import { decodeBody } from "../../../edge/listeners/http/body.ts";
import { parseHead as parseHttpHead } from "../../../edge/listeners/http/request.ts";
import { SyslogFrames } from "../../../edge/listeners/syslog/frames.ts";
import { SyslogReader } from "../../../edge/listeners/syslog/syslog-reader.ts";
import { configSchema } from "../../../edge/sources/http/config.ts";
import { eventsOf } from "../../../edge/sources/http/events.ts";
import { parseHead as parseRelpHead } from "../../../edge/sources/relp/frame.ts";
import { readConnack, readPacketHead, readPublish, readSuback } from "../../../shared/mqtt/packets.ts";
import { mutateBytes, mutateText, oneOf, pick } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

const messages = [
  "<13>Nov 27 18:00:00 host app: text\n",
  '<165>1 2026-11-27T18:00:00.123456+01:00 host app 12 ID47 [x@1 a="b"] text\n',
  "17 <13>- host a text23 <14>1 - - - - - - text",
  "<191>2026-02-30T25:61:61Z host x\n<999>\n<>\n",
  "\n\n99999999 <1>short",
].map((text) => Buffer.from(text));
const lineBytesMax = 64;

/** Every byte is a message's, left out and counted, or framing: nothing beyond the buffer, and no message too long. */
export const syslogMessages: FuzzTarget = {
  name: "syslog messages",
  try(random) {
    const bytes = mutateBytes(random, messages);
    const framing = oneOf(random, ["auto", "octets", "newline"] as const);
    const frames = new SyslogFrames({ framing, lineBytesMax });
    const keepFields = oneOf(random, ["none", "all", ["priority", "timestamp", "version", "hostname"]] as const);
    const timeZone = oneOf(random, ["local", "utc"] as const);
    const reader = new SyslogReader({ keepFields, timeZone, eventTime: "message", key: "host" }, () => 1.7e12);
    const view = new EventView();
    let left = 0;
    const line = (buffer: Buffer, start: number, end: number) => {
      if (start < 0 || end < start || end > buffer.length || end - start > lineBytesMax)
        throw new Error(`a message from ${start} to ${end} of ${buffer.length}`);
      reader.read(buffer, start, end, false);
      view.reset(buffer, start, end, 1.7e12);
      reader.prepare(view);
      if (!Number.isFinite(view.eventTimeMs)) throw new Error(`the time ${view.eventTimeMs}`);
    };
    const output = {
      line,
      cutLine: line,
      leftOut: (count: number) => {
        if (count < 0) throw new Error(`${count} bytes left out`);
        left += count;
      },
    };
    for (let rest = bytes, turns = 0; rest.length > 0; turns++) {
      const whole = turns > 3;
      const used = frames.split(whole ? rest : rest.subarray(0, pick(random, rest.length + 1)), output, whole);
      if (used === undefined) return;
      if (used > rest.length || (whole && used === 0)) throw new Error(`${used} of ${rest.length} bytes used`);
      rest = rest.subarray(used);
    }
    if (left > bytes.length) throw new Error(`${left} of ${bytes.length} bytes left out`);
  },
};

const heads = [
  "POST /a?x=1&host=h HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nContent-Type: text/plain; charset=utf-8",
  "GET http://h/ HTTP/1.0\r\nTransfer-Encoding: chunked",
];
const headWords = [
  "\r\n",
  "\r\n ",
  "\n",
  "\0",
  "Host: ",
  "Content-Length: 1",
  "Transfer-Encoding: chunked",
  "HTTP/1.1",
  "//",
];
const texts = [
  '[{"headers":{"a":"b","__proto__":"x"},"body":"a line","timestamp":1700000000000,"key":"car-1"}]',
  '{"a":1}\n{"b":[]}\n\n"text"\n',
];
const textWords = ['"body":', '"headers":{', "[{}", ",{}", "\r\n", '"timestamp":1e300'];
const codings = ["", "gzip", "deflate", "zstd", "identity", "br"] as const;
const packed = texts.flatMap((text) => {
  const bytes = Buffer.from(text);
  return [Buffer.from(Bun.gzipSync(bytes)), Bun.zstdCompressSync(bytes)];
});
const bodyBytesMax = 64 * 1024;
const formats = (["flume_json", "ndjson", "lines", "blob"] as const).map((format) =>
  configSchema().parse({ format, key: "query:host", queryHeaders: true, headers: { a: "header:content-type" } }),
);
const plainHead = parseHttpHead("POST /?host=h HTTP/1.1\r\nHost: h\r\nContent-Type: application/json; charset=UTF-16");

/** A request becomes events, or is refused with a status. */
export const pushedRequests: FuzzTarget = {
  name: "requests to the http source",
  try(random) {
    const read = parseHttpHead(mutateText(random, heads, headWords));
    const head = "status" in read ? plainHead : read;
    if ("status" in head) throw new Error(head.reason);
    const body =
      random.next() < 0.5
        ? decodeBody(mutateBytes(random, packed), oneOf(random, codings), bodyBytesMax)
        : Buffer.from(mutateText(random, texts, textWords));
    if ("status" in body) return;
    const events = eventsOf(body, head, oneOf(random, formats));
    if ("status" in events && (events.status < 400 || events.status > 499)) throw new Error(`${events.status}`);
  },
};

const packets = [
  Buffer.from([0x32, 12, 0, 3, 0x61, 0x2f, 0x62, 0, 7, 0x74, 0x65, 0x78, 0x74, 0x0a]),
  Buffer.from([0x32, 22, 0, 3, 0x61, 0x2f, 0x62, 0, 7, 11, 0x26, 0, 1, 0x61, 0, 1, 0x62, 2, 0, 0, 0, 9, 0x74, 0x74]),
  Buffer.from([0x20, 3, 1, 0, 0]),
  Buffer.from([0x90, 5, 0, 1, 0, 1, 0x80]),
];
const relp = ["1 open 26 relp_version=0\ncommands=sys\n", "2 syslog 6 <13>hi\n3 close 0\n", "999999999 rsp 9 x"].map(
  (text) => Buffer.from(text),
);

/** What a peer of RELP and a broker of MQTT send, in pieces. */
export const peerPackets: FuzzTarget = {
  name: "packets of RELP and MQTT",
  try(random) {
    const frame = parseRelpHead(mutateBytes(random, relp));
    if (typeof frame === "object" && !(frame.dataBytes >= 0 && frame.dataAt > 0))
      throw new Error(JSON.stringify(frame));
    const bytes = mutateBytes(random, packets);
    const head = readPacketHead(bytes);
    if (head === undefined || head === "more") return;
    const version = oneOf(random, ["3.1.1", "5"] as const);
    const publish = readPublish(bytes, head, version);
    if (publish !== undefined && publish.payloadAt > Math.min(bytes.length, head.end))
      throw new Error("beyond the end");
    if (head.end > bytes.length) return;
    readConnack(bytes, head);
    readSuback(bytes, head, version);
  },
};
