/**
 * Who may say what: a claim is bound to what its sender cannot choose.
 *
 *   - the topic, where each vehicle has one of its own and Kafka's ACLs say who writes to it
 *   - the signature of the batch, where vehicles share a topic
 *
 * Whom an agent speaks for is bound likewise: which vehicles it may name is a rule of their names.
 *
 * Asked once for each lane of a batch, before anything of the claim is looked up, counted or stored.
 */
import type { BatchSender } from "../records/batch-sender.ts";

/** Which agents a topic is for; `*` stands for any characters, `{agent}` in the topic for the agent's name. */
export interface TopicRule {
  readonly topic: string;
  readonly agent: string;
}

/** Which vehicles an agent may name; `*` as above, `{id}` in the agent for what the vehicle's name shares with it. */
export interface VehicleRule {
  readonly agent: string;
  readonly vehicle: string;
}

/** What is done about signatures: nothing; look and count; refuse what is not signed by the agent that it names. */
export type SignatureMode = "off" | "observe" | "require";

export interface AdmissionRules {
  /** The first one that fits a topic counts; a topic that none fits is for every agent. */
  readonly topics: readonly TopicRule[];
  /** The first one that fits an agent counts; an agent that none fits may name every vehicle. */
  readonly vehicles: readonly VehicleRule[];
  readonly signatures: SignatureMode;
}

/** Undefined: the agent may be named. Else why not; never in the sender's own words. */
export type Admission = (agent: string, sender: BatchSender) => string | undefined;

/** Nobody is bound to anything. */
export const anybody: AdmissionRules = { topics: [], vehicles: [], signatures: "off" };

/** What holds on a topic; undefined: nothing, nobody need be asked. */
export function admissionOn(topic: string, { topics, signatures }: AdmissionRules): Admission | undefined {
  const may = agentsOf(topic, topics);
  if (may === undefined && signatures !== "require") return undefined;
  return (agent, sender) => {
    if (may !== undefined && !may(agent)) return `topic ${topic} is not for the agent that it names`;
    return signatures === "require" ? unproved(agent, sender) : undefined;
  };
}

function unproved(agent: string, sender: BatchSender): string | undefined {
  switch (sender.kind) {
    case "signed":
      return sender.agent === agent ? undefined : "signed by another agent than the one that it names";
    case "wrong":
      return `wrongly signed: ${sender.reason}`;
    case "unsigned":
    case "unchecked":
      return "not signed by the agent that it names";
  }
}

/** Which agents a topic is for; undefined: every one. */
export function agentsOf(topic: string, rules: readonly TopicRule[]): ((agent: string) => boolean) | undefined {
  for (const rule of rules) {
    const found = patternOf(rule.topic).exec(topic);
    if (found === null) continue;
    const agents = patternOf(rule.agent.replaceAll("{agent}", found[1] ?? ""));
    return (agent) => agents.test(agent);
  }
  return undefined;
}

/** Which vehicles an agent may name; undefined: all. */
export function vehiclesOf(agent: string, { vehicles }: AdmissionRules): ((vehicle: string) => boolean) | undefined {
  for (const rule of vehicles) {
    const found = patternOf(rule.agent).exec(agent);
    if (found === null) continue;
    const named = patternOf(rule.vehicle.replaceAll("{id}", found[1] ?? ""));
    return (vehicle) => named.test(vehicle);
  }
  return undefined;
}

/** What stands in the place of a placeholder is a name; a second one is the first one again. */
function patternOf(text: string): RegExp {
  let named = false;
  const source = text.replaceAll(/\{agent\}|\{id\}|\*|[^\w-]/g, (piece) => {
    if (piece === "*") return ".*";
    if (piece.length === 1) return `\\${piece}`;
    const again = named;
    named = true;
    return again ? "\\1" : "([\\w-]+)";
  });
  return new RegExp(`^${source}$`);
}
