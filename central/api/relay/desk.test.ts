import { describe, expect, test } from "bun:test";
import { systemClock } from "../../../shared/clock/clock.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { Relay } from "../../config/relay.ts";
import { RelayDesk, type RelayDeskOptions } from "./desk.ts";

function deskOf(more: Partial<RelayDeskOptions> = {}, settings: object = {}) {
  const stored: number[] = [];
  const store = async (_: string, bytes: ArrayBuffer) => {
    stored.push(bytes.byteLength);
    return 1;
  };
  const desk = new RelayDesk({ settings: Relay.parse(settings), clock: systemClock, store, ...more });
  return { desk, stored };
}

const mebibyte = new Uint8Array(1024 * 1024);

/** A body of these chunks; it goes on for ever without an end, or ends. */
function bodyOf(chunks: readonly Uint8Array[], ends = true) {
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
      if (ends) controller.close();
    },
    cancel: () => {
      cancelled = true;
    },
  });
  return { request: { body, length: undefined, key: "k" }, cancelled: () => cancelled };
}

const codeOf = async (taking: Promise<number>) =>
  await taking.catch((thrown: unknown) => (thrown instanceof AppError ? thrown.code : thrown));

describe("the relay's desk", () => {
  test("gives a body on whole, however it came, in a buffer of its own", async () => {
    const { desk, stored } = deskOf();
    expect(await desk.take(bodyOf([new Uint8Array(3), new Uint8Array(4)]).request)).toBe(1);
    expect(stored).toEqual([7]);
    expect(desk.counts).toEqual({ taken: 1, putOff: 0, refused: 0, bytes: 7, requests: 0, waitingBytes: 0 });
  });

  test("an empty body asks the store nothing", async () => {
    const { desk, stored } = deskOf();
    expect(await desk.take({ body: null, length: 0, key: "" })).toBe(0);
    expect(await desk.take(bodyOf([]).request)).toBe(0);
    expect(stored).toEqual([]);
  });

  test("one that is too large is refused by what it claims, or by what has come of it", async () => {
    const { desk, stored } = deskOf({}, { bodyBytesMax: "1MiB" });
    const claimed = bodyOf([]);
    expect(await codeOf(desk.take({ ...claimed.request, length: 2 * 1024 * 1024 }))).toBe("CENTRAL_RELAY_TOO_LARGE");
    const endless = bodyOf([mebibyte, mebibyte, mebibyte], false);
    expect(await codeOf(desk.take(endless.request))).toBe("CENTRAL_RELAY_TOO_LARGE");
    expect(endless.cancelled()).toBe(true);
    expect(stored).toEqual([]);
    expect(desk.counts).toMatchObject({ refused: 2, waitingBytes: 0 });
  });

  test("bytes of all requests are bounded: one too many is asked to come again, and what it held is free", async () => {
    const held = Promise.withResolvers<number>();
    const { desk } = deskOf({ store: () => held.promise }, { bodyBytesMax: "1MiB", waitingBytesMax: "2MiB" });
    const first = [desk.take(bodyOf([mebibyte]).request), desk.take(bodyOf([mebibyte]).request)];
    await Bun.sleep(1);
    expect(desk.counts.waitingBytes).toBe(2 * 1024 * 1024);
    expect(await codeOf(desk.take(bodyOf([new Uint8Array(1)]).request))).toBe("CENTRAL_RELAY_BUSY");
    held.resolve(1);
    await Promise.all(first);
    expect(desk.counts).toMatchObject({ taken: 2, putOff: 1, requests: 0, waitingBytes: 0 });
  });

  test("requests are bounded too, whatever they hold", async () => {
    const held = Promise.withResolvers<number>();
    const { desk } = deskOf({ store: () => held.promise }, { requestsMax: 2 });
    const first = [desk.take(bodyOf([new Uint8Array(1)]).request), desk.take(bodyOf([new Uint8Array(1)]).request)];
    expect(await codeOf(desk.take(bodyOf([new Uint8Array(1)]).request))).toBe("CENTRAL_RELAY_BUSY");
    held.resolve(1);
    await Promise.all(first);
  });

  test("half a body and then nothing: given up, and its room is free", async () => {
    const { desk, stored } = deskOf({ silenceMs: 30 });
    const hanging = bodyOf([new Uint8Array(10)], false);
    expect(await codeOf(desk.take({ ...hanging.request, length: 1_000 }))).toBe("CENTRAL_RELAY_SLOW");
    expect(hanging.cancelled()).toBe(true);
    expect(stored).toEqual([]);
    expect(desk.counts).toMatchObject({ putOff: 1, requests: 0, waitingBytes: 0 });
  });

  test("a byte now and then does not keep a place for ever", async () => {
    const { desk } = deskOf({ silenceMs: 1_000, bodyMs: 50 });
    let dripping: ReturnType<typeof setInterval> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        dripping = setInterval(() => controller.enqueue(new Uint8Array(1)), 5);
      },
      cancel: () => clearInterval(dripping),
    });
    expect(await codeOf(desk.take({ body, length: undefined, key: "" }))).toBe("CENTRAL_RELAY_SLOW");
  });

  test("a sender that is gone in the middle leaves nothing", async () => {
    const { desk, stored } = deskOf();
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array(5)),
      pull: (controller) => controller.error(new Error("connection reset")),
    });
    expect(await codeOf(desk.take({ body, length: 10, key: "" }))).toBe("CENTRAL_RELAY_SLOW");
    expect(stored).toEqual([]);
    expect(desk.counts).toMatchObject({ putOff: 1, waitingBytes: 0 });
  });

  test("what the store says is what the sender hears; its bytes are free then", async () => {
    const { desk } = deskOf({
      store: async () => {
        throw new AppError("CENTRAL_STORE_UNAVAILABLE", "store in a test");
      },
    });
    expect(await codeOf(desk.take(bodyOf([mebibyte]).request))).toBe("CENTRAL_STORE_UNAVAILABLE");
    expect(desk.counts).toMatchObject({ putOff: 1, waitingBytes: 0 });
  });
});
