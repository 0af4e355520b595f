import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readFlumeEnv } from "../../../edge/flume/flume-env.ts";
import { loadFlumeConf } from "../../../edge/flume/load-flume-conf.ts";
import { registry } from "../../../edge/registry.gen.ts";
import { AvroMistake, AvroReader, AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { readEvent, readEvents, writeEvent } from "../../../shared/avro-rpc/flume-events.ts";
import { hashOf, protocolText, speaksFlume } from "../../../shared/avro-rpc/flume-protocol.ts";
import { readFrame, writeFrame } from "../../../shared/avro-rpc/frames.ts";
import {
  readHandshakeRequest,
  readHandshakeResponse,
  skipMeta,
  writeHandshakeRequest,
} from "../../../shared/avro-rpc/handshake.ts";
import type { Random } from "../../../shared/random/random.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { mutateBytes, mutateText, oneOf } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

const folder = join(import.meta.dir, "../../../edge/testing/flume-conf");
const confs = readdirSync(folder)
  .filter((name) => name.endsWith(".conf"))
  .map((name) => readFileSync(join(folder, name), "utf8"));
// biome-ignore lint/suspicious/noTemplateCurlyInString: the words of a flume.conf
const confWords = ["a1.", "sources", "= r1 r2", "\\u00e", "\\", ".type = ", "interceptors", "${A}", ":", "regex"];
const dir = tempDir("tailgate-fuzz-flume-");
const environment = { HOME: "/home/flume", A: "a", SPOOL_DIR: "/srv/spool" };
// biome-ignore lint/suspicious/noTemplateCurlyInString: the words of a flume-env.sh
const envs = ["export A=b\nJAVA_OPTS=\"-Da=b -Xmx1g $A\"\nX='y z' # c\n", 'B="${A}x"\\\n-c\n'];

/** A flume.conf becomes a config, or what is wrong with it is said; its `flume-env.sh` is read, never run. */
export const flumeConfs: FuzzTarget = {
  name: "flume.conf",
  async try(random) {
    const path = dir.file("flume.conf");
    writeFileSync(path, mutateText(random, confs, confWords));
    const agent = random.next() < 0.3 ? undefined : oneOf(random, ["a1", "agent1"]);
    const { loaded } = await loadFlumeConf({
      path,
      agent,
      dataDir: undefined,
      registry,
      environment,
      folder: "/opt/flume",
    });
    if (!loaded.ok && loaded.problems.length === 0) throw new Error("refused without a word");
    readFlumeEnv("flume-env.sh", mutateText(random, envs, ["$(x)", "`x`", '"', "'", "-D"]), environment);
  },
  async end() {
    dir[Symbol.dispose]();
  },
};

const frameBytesMax = 1024 * 1024;
const headers = new Map([
  ["host", "h"],
  ["__proto__", "x"],
]);

function call(write: (to: AvroWriter) => void): Buffer {
  const to = new AvroWriter();
  write(to);
  return writeFrame(7, Buffer.from(to.written));
}
const greeting = { clientHash: hashOf(protocolText), serverHash: hashOf(protocolText) };
const frames = [
  call((to) => writeHandshakeRequest(to, { ...greeting, clientProtocol: undefined })),
  call((to) => writeHandshakeRequest(to, { ...greeting, clientProtocol: protocolText })),
  call((to) => {
    to.long(0).string("append");
    writeEvent(to, headers, Buffer.from("a line"));
  }),
  call((to) => {
    to.long(0).string("appendBatch").long(2);
    writeEvent(to, headers, Buffer.from("first"));
    writeEvent(to, new Map(), Buffer.from("second"));
    to.long(0);
  }),
];

function hear(random: Random, payload: Buffer): void {
  const reader = new AvroReader(payload);
  if (random.next() < 0.4) {
    const { clientProtocol } = readHandshakeRequest(reader);
    if (clientProtocol !== undefined) speaksFlume(clientProtocol);
    return;
  }
  if (random.next() < 0.2) {
    readHandshakeResponse(reader);
    return;
  }
  skipMeta(reader);
  const events = reader.string() === "append" ? [readEvent(reader)] : readEvents(reader, 100_000);
  const bytes = events.reduce((sum, { body }) => sum + body.length, 0);
  if (bytes > payload.length) throw new Error(`${bytes} bytes of ${payload.length}`);
}

/** Frames of Avro's RPC, of which nothing is believed. */
export const avroFrames: FuzzTarget = {
  name: "Avro's frames",
  try(random) {
    let bytes = mutateBytes(random, frames);
    try {
      for (let frame = readFrame(bytes, frameBytesMax); frame !== undefined; frame = readFrame(bytes, frameBytesMax)) {
        if (frame.length <= 0) throw new Error("a frame of no bytes");
        bytes = bytes.subarray(frame.length);
        hear(random, frame.payload);
      }
    } catch (thrown) {
      if (!(thrown instanceof AvroMistake)) throw thrown;
    }
  },
};
