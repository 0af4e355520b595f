import { connect } from "node:net";
import { pushContract, type SenderHeard, type SentEvent } from "../contracts/push.contract.ts";
import type { RunningSource } from "../fakes/running-source.ts";
import definition from "./index.ts";

const portOf = (run: RunningSource) => Number(run.source.status().port);

const meanings: Readonly<Record<number, SenderHeard>> = {
  200: "stored",
  202: "in memory",
  400: "refused for ever",
  413: "refused for ever",
  503: "not taken",
  504: "may be taken",
};

async function post(run: RunningSource, body: string, signal?: AbortSignal): Promise<SenderHeard> {
  try {
    const response = await fetch(`http://127.0.0.1:${portOf(run)}/`, { method: "POST", body, signal: signal ?? null });
    await response.text();
    return meanings[response.status] ?? "nothing";
  } catch {
    // The connection ended: nothing was heard.
    return "nothing";
  }
}

function lineOf({ body, key, eventTimeMs, headers }: SentEvent): string {
  return JSON.stringify({ body: Buffer.from(body, "latin1").toString("base64"), key, time: eventTimeMs, headers });
}

pushContract("example_push", {
  definition,
  config: { port: 0 },
  twoSenders: { sendersMax: 2 },
  impatient: { answerWithin: "1500ms" },
  send: (run, events, signal) => post(run, events.map(lineOf).join("\n"), signal),
  sendGarbage: (run) => post(run, "{ no json"),
  sendHalf: async (run) => {
    const socket = connect(portOf(run), "127.0.0.1");
    socket.on("error", () => undefined);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{");
    return () => socket.destroy();
  },
});
