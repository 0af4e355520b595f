/**
 * What a sink that posts to a server says that this may have of a batch, when its request brought no answer: a group with
 * `inDoubt: wait` goes on by it.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { messageOf } from "../../../shared/errors/app-error.ts";
import { readBatchHeader } from "../../../shared/kafka/record-batch/header.ts";
import { makeCertificates } from "../../../shared/testing/certificates.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import type { SinkDefinition } from "../../core/define.ts";
import type { Sink } from "../../core/sink.ts";
import { ArrayReader } from "../fakes/array-reader.ts";
import { fakeContext } from "../fakes/component.ts";
import { tryNext } from "../fakes/deliver-next.ts";
import { testBatches, testLane } from "../fakes/test-batches.ts";

const opened: { stop(): unknown }[] = [];

/** Stops what the helpers below have made. */
export async function endOpened(): Promise<void> {
  for (const each of opened.splice(0).reverse()) await each.stop();
}

/** Takes every batch, unless it is told to answer something else, or nothing. */
export function centralAt(port = 0, tls?: Bun.TLSOptions) {
  const said: Response[] = [];
  const bodies: number[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    ...(tls === undefined ? {} : { tls }),
    fetch: async (request) => {
      const body = Buffer.from(await request.arrayBuffer());
      bodies.push(body.length);
      const isBatch = body.length > 0 && request.headers.get("content-type")?.includes("record-batches") === true;
      const records = isBatch ? readBatchHeader(body).recordCount : 0;
      return said.shift() ?? Response.json({ records });
    },
  });
  const central = { url: String(server.url), port: server.port, said, bodies, stop: () => server.stop(true) };
  opened.push(central);
  return central;
}

/** A sink that posts there. */
export async function sinkTo(definition: SinkDefinition, url: string, config: Readonly<Record<string, unknown>> = {}) {
  const reading = definition.read({ url, timeout: "2s", ...config });
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues));
  const sink = await reading.value.create(fakeContext());
  opened.push(sink);
  return sink;
}

async function laneTo(definition: SinkDefinition, url: string, config: Readonly<Record<string, unknown>> = {}) {
  return laneOf(await sinkTo(definition, url, config));
}

function laneOf(sink: Sink) {
  const reader = new ArrayReader(testLane("driving"));
  const delivery = sink.lane(reader);
  reader.put(...testBatches(reader.lane, 2, 3));
  const mayHave = () => {
    const batch = reader.next();
    return batch === undefined ? undefined : delivery.mayHave?.(batch);
  };
  return { reader, delivery, mayHave, step: () => tryNext(delivery, reader) };
}

/** Checks what the sink says that its server may have. */
export function doubtContract(name: string, definition: SinkDefinition): void {
  describe(`${name}: what a server may have of a batch`, () => {
    const dir = tempDir("tailgate-doubt-");
    afterEach(endOpened);
    test("a connection that is refused is no doubt, also where one was kept until the server went", async () => {
      const central = centralAt();
      const sink = await sinkTo(definition, central.url);
      const [one, other] = [laneOf(sink), laneOf(sink)];
      expect(await one.step()).toBe("delivered");
      await central.stop();
      await refusedAt(sink);
      expect(messageOf(await other.step())).toContain("ECONNREFUSED");
      expect(other.mayHave()).toBe(0);
    });

    test("a server that dies with the request in its hands may have it, and no later refusal settles that", async () => {
      const central = centralAt();
      const { step, mayHave } = await laneTo(definition, central.url);
      expect(await step()).toBe("delivered");
      await central.stop();
      const dying = createServer((socket) => {
        socket.on("error", () => undefined);
        socket.on("data", () => {
          dying.close();
          socket.resetAndDestroy();
        });
      });
      await listen(dying, central.port);
      await step();
      expect(mayHave()).toBe(3);
      expect(messageOf(await step())).toContain("ECONNREFUSED");
      expect(mayHave()).toBe(3);
      const back = centralAt(central.port);
      back.said.push(new Response("full", { status: 429 }));
      expect(await step()).toMatchObject({ code: "EDGE_DESTINATION_BUSY", severity: "transient" });
      expect(mayHave()).toBe(3);
      expect(await step()).toBe("delivered");
    });

    test("a host that is not known, and one whose TLS never begins, have nothing", async () => {
      const nowhere = await laneTo(definition, "http://nowhere.invalid/");
      await nowhere.step();
      expect(nowhere.mayHave()).toBe(0);
      const silent = createServer(() => undefined);
      const port = await listen(silent);
      const mute = await laneTo(definition, `https://127.0.0.1:${port}/`, { timeout: "1s" });
      expect(await mute.step()).toMatchObject({ message: expect.stringContaining("no connection within 1000 ms") });
      expect(mute.mayHave()).toBe(0);
      const plain = centralAt();
      const wrong = await laneTo(definition, plain.url.replace("http:", "https:"));
      expect(await wrong.step()).toMatchObject({ code: "EDGE_DESTINATION_TLS" });
      expect(wrong.mayHave()).toBe(0);
    });

    test("one that takes the body and says nothing may have it", async () => {
      const port = await listen(createServer((socket) => void socket.on("error", () => undefined)));
      const { step, mayHave } = await laneTo(definition, `http://127.0.0.1:${port}/`, { timeout: "1s" });
      expect(await step()).toMatchObject({ message: expect.stringContaining("no answer within 1000 ms") });
      expect(mayHave()).toBe(3);
    });

    test("one whose certificate we do not trust has nothing", async () => {
      const { otherCa, broker } = makeCertificates(dir.path);
      const central = centralAt(0, broker);
      const { step, mayHave } = await laneTo(definition, central.url, { tls: { ca: otherCa } });
      expect(await step()).toMatchObject({ code: "EDGE_DESTINATION_TLS" });
      expect(mayHave()).toBe(0);
      expect(central.bodies).toEqual([]);
    });
  });
}

/** The connection that was kept is gone, as its end has seen, and a new one is refused. */
export async function refusedAt(sink: Sink | undefined): Promise<void> {
  const never = new AbortController().signal;
  await until(
    "a connection to be refused",
    async () => await sink?.probe?.(never),
    (found) => found?.[0] !== undefined && "error" in found[0] && messageOf(found[0].error).includes("ECONNREFUSED"),
  );
}

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  opened.push({ stop: () => server.close() });
  const at = server.address();
  if (at === null || typeof at === "string") throw new Error("no port");
  return at.port;
}
