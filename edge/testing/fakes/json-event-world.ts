import { z } from "zod";
import type { ReceivedEvent } from "../contracts/record-sink.contract.ts";

const Text = z.string().optional();
const Shape = z.object({
  id: z.string(),
  time: z.int(),
  key: Text,
  keyBase64: Text,
  body: Text,
  bodyBase64: Text,
  headers: z.record(z.string(), z.string()).default({}),
});

/** Reads what edge/records/json-event.ts writes, as a server of somebody else would. */
export function receivedEvent(value: unknown): ReceivedEvent {
  const { id, time, headers, key, keyBase64, body, bodyBase64 } = Shape.parse(value);
  const bytes = body === undefined ? Buffer.from(bodyBase64 ?? "", "base64") : Buffer.from(body, "utf8");
  const keyText = keyBase64 === undefined ? key : Buffer.from(keyBase64, "base64").toString("utf8");
  return { id, timeMs: time, body: bytes.toString("latin1"), key: keyText, headers };
}
