/**
 * A hostile vehicle as a thread of its own, so that what it does takes no time from whoever measures: sends everything that
 * a vehicle with a right to write can do wrong, as fast as the broker takes it.
 */
import { messageOf } from "../../../shared/errors/app-error.ts";
import { createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import type { KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { systemRandom } from "../../../shared/random/random.ts";
import { readSigningKey } from "../../../shared/signature/keys.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { hostileBatches, Sender } from "./vehicles.ts";

/** Whom it is, whom it harms, and through which broker. */
export interface FloodStart {
  readonly type: "start";
  readonly broker: string;
  readonly agent: string;
  readonly keyPem: string;
  readonly victim: { readonly agent: string; readonly name: string };
}

/** Where it floods from now on; no partitions: nowhere. */
export interface FloodTarget {
  readonly type: "flood";
  readonly topic: string;
  readonly partitions: readonly number[];
  /** Each batch goes here too, but only one after the other within so long. */
  readonly among: { readonly partitions: readonly number[]; readonly withinMs: number } | undefined;
  /** It rests after so many batches. Without it the broker alone is its bound. */
  readonly batchesMax: number | undefined;
}

/** Batches that the broker has taken since the last answer, told after each change of target; or why it ended. */
export interface Flooded {
  readonly batches: number;
  readonly failed: string | undefined;
}

declare const self: Worker;

/** What is made once: the batches take seconds on a busy machine, and a burst is shorter than that. */
interface Armed {
  readonly link: KafkaLink;
  readonly batches: ReturnType<typeof hostileBatches>;
}

let armed: Armed | undefined;
let flooding: Promise<number> | undefined;
let stopping = new AbortController();

self.onmessage = async ({ data }: MessageEvent<FloodStart | FloodTarget>) => {
  stopping.abort();
  let batches = 0;
  let failed: string | undefined;
  try {
    batches = (await flooding) ?? 0;
    flooding = undefined;
    if (data.type === "start") armed = arm(data);
    else if (armed !== undefined && data.partitions.length > 0) {
      stopping = new AbortController();
      flooding = flood(armed, data, stopping.signal);
      flooding.catch(() => {}); // told with the next answer
    }
  } catch (thrown) {
    failed = messageOf(thrown);
  }
  self.postMessage({ batches, failed } satisfies Flooded);
};

function arm({ broker, agent, keyPem, victim }: FloodStart): Armed {
  const key = readSigningKey(keyPem);
  if (!key.ok) throw new Error(key.message);
  const link = createKafkajsLink({
    brokers: [broker],
    clientId: "hostile",
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 30_000,
    report: silent,
    component: "test",
    random: systemRandom,
    tls: undefined,
    sasl: undefined,
  });
  return { link, batches: hostileBatches(agent, key.value, victim) };
}

async function flood(
  { link, batches }: Armed,
  { topic, partitions, among, batchesMax = Number.POSITIVE_INFINITY }: FloodTarget,
  signal: AbortSignal,
): Promise<number> {
  const sender = new Sender(link, topic);
  let nextMs = 0;
  let sent = 0;
  let sentAmong = 0;
  for (; !signal.aborted && sent < batchesMax; sent++) {
    const batch = batches[sent % batches.length];
    const other = batches[sentAmong % batches.length];
    if (batch === undefined || other === undefined) break;
    await sender.send(partitions[sent % partitions.length] ?? 0, batch);
    if (among === undefined || performance.now() < nextMs) continue;
    nextMs = performance.now() + among.withinMs / batches.length;
    await sender.send(among.partitions[sentAmong % among.partitions.length] ?? 0, other);
    sentAmong++;
  }
  return sent;
}
