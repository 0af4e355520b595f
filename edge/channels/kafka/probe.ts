/** Tries a cluster as the channel would use it, for `check --connect`: the brokers, the topic, who leads it. Only questions are asked. */
import { formatAddress } from "../../../shared/config/address.ts";
import { AppError } from "../../../shared/errors/app-error.ts";
import { explainSilence } from "../../../shared/kafka/connection/connect-error.ts";
import { createKafkajsLink } from "../../../shared/kafka/connection/kafkajs-link.ts";
import { errors } from "../../../shared/kafka/error-codes.ts";
import { metadataMessage } from "../../../shared/kafka/messages/metadata.ts";
import type { Context } from "../../core/context.ts";
import type { Finding } from "../../core/sink.ts";
import type { Config } from "./config.ts";
import { topicRefusal } from "./topic-refusal.ts";

/** However patient the channel is: somebody waits for the answer. */
const stepMsMax = 5_000;
/** AclOperation.READ and WRITE (KIP-430: a bit for each operation that is allowed). */
const [readBit, writeBit] = [1 << 3, 1 << 4];

export async function probeTopic(config: Config, context: Context, signal: AbortSignal): Promise<readonly Finding[]> {
  const { brokers, topic, tls, sasl, connectTimeout, requestTimeout } = config;
  const link = createKafkajsLink({
    brokers,
    clientId: config.clientId ?? `tailgate-${context.agent}`,
    tls,
    sasl,
    connectTimeoutMs: Math.min(connectTimeout, stepMsMax),
    requestTimeoutMs: Math.min(requestTimeout, stepMsMax),
    report: context.report,
    component: context.name,
    random: context.random,
  });
  const close = () => link.close();
  signal.addEventListener("abort", close, { once: true });
  const what = `topic ${topic}`;
  try {
    const { nodes, topic: found } = await link.askAnyone(metadataMessage(topic, { operations: true }));
    const { errorCode, leaders, operations } = found ?? { errorCode: errors.UNKNOWN_TOPIC_OR_PARTITION, leaders: [] };
    if (errorCode !== errors.NONE || leaders.length === 0) throw topicRefusal(topic, errorCode);
    const partitions = `${leaders.length} partition${leaders.length === 1 ? "" : "s"}`;
    const findings: Finding[] = [{ what, says: `${partitions}${rightsOf(operations)}` }];
    const leading = new Set(leaders.map((leader) => leader?.nodeId));
    for (const node of nodes.filter(({ nodeId }) => leading.has(nodeId))) {
      const leads = `${formatAddress(node)} (leads ${topic})`;
      try {
        await link.ready(node);
        findings.push({ what: leads, says: "answers" });
      } catch (thrown) {
        findings.push({ what: leads, error: explainSilence(errorOf(thrown), config) });
      }
    }
    return findings;
  } catch (thrown) {
    return [{ what, error: explainSilence(errorOf(thrown), config) }];
  } finally {
    signal.removeEventListener("abort", close);
    link.close();
  }
}

/** What a channel's topic must let us do depends on who of us uses it: a source's events are written, a sink's are read. */
function rightsOf(operations: number | undefined): string {
  if (operations === undefined) return "";
  const may = (bit: number) => ((operations & bit) === 0 ? "may not" : "may");
  return `: ${may(writeBit)} be written to, ${may(readBit)} be read`;
}

function errorOf(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError("KAFKA_UNREACHABLE", "talk to Kafka", { cause: thrown });
}
