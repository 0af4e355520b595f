import { z } from "zod";
import { path } from "../../shared/config/path.ts";
import { readKeyFiles } from "./key-files.ts";

const topicWords = z
  .string()
  .regex(/^(?:[\w.*-]|\{agent\}){1,249}$/, "not a topic: letters, digits, . _ -, with * and {agent}");
const agentWords = z
  .string()
  .regex(/^(?:[\w*-]|\{agent\}){1,128}$/, "not an agent: letters, digits, _ -, with * and {agent}");

const keyWords = z
  .string()
  .regex(/^(?:[\w.*-]|\{agent\}){1,64}$/, "not a key's name: letters, digits, . _ -, with * and {agent}");

/** Which agents a topic is for. */
const TopicAgents = z
  .union(
    [
      topicWords
        .refine((topic) => topic.includes("{agent}"), "no {agent} in it: which agents is the topic for?")
        .transform((topic) => ({ topic, agent: "{agent}" })),
      z.strictObject({
        topic: topicWords.meta({ description: "The topic; `*` stands for anything, `{agent}` for an agent's name." }),
        agent: agentWords.meta({ description: "Who may be named in it; `{agent}` is what the topic has there." }),
      }),
    ],
    { error: 'write a topic with {agent}, as in "vehicles.{agent}", or { topic, agent }' },
  )
  .meta({ description: "A topic with {agent} in it, or a topic and an agent." });

/** The rules, in order. */
export const topicAgents = () =>
  z.array(TopicAgents).default([]).meta({
    description:
      "Which agents a topic is for, where Kafka's ACLs say who writes to it. Example: with `vehicles.{agent}` records in the topic vehicles.gw-1 may name the agent gw-1 only; others are put aside. The first rule that fits a topic counts. A topic that no rule fits is for every agent.",
  });

/** Which agents a key may speak for: as for a topic, by the key's name. */
export const relayAgents = () =>
  z
    .array(
      z.union(
        [
          keyWords
            .refine((key) => key.includes("{agent}"), "no {agent} in it: which agents is the key for?")
            .transform((key) => ({ topic: key, agent: "{agent}" })),
          z
            .strictObject({
              key: keyWords.meta({
                description: "The key's name; `*` stands for anything, `{agent}` for an agent's name.",
              }),
              agent: agentWords.meta({ description: "Who may be named; `{agent}` is what the key's name has there." }),
            })
            .transform(({ key, agent }) => ({ topic: key, agent })),
        ],
        { error: 'write a key\'s name with {agent}, as in "{agent}", or { key, agent }' },
      ),
    )
    .default([])
    .meta({
      description:
        'For which agents a key may relay. Example: with "{agent}" the key gw-1 may send records of the agent gw-1 only; other bodies are refused. The first rule that fits a key counts. A key that no rule fits is for every agent.',
    });

/** Which vehicles an agent may name. */
export const agentVehicles = () =>
  z
    .array(
      z.strictObject({
        agent: z
          .string()
          .regex(/^(?:[\w*-]|\{id\}){1,128}$/, "not an agent: letters, digits, _ -, with * and {id}")
          .meta({ description: "The agent; `*` stands for anything, `{id}` for a name that the vehicle shares." }),
        vehicle: z
          .string()
          .min(1)
          .max(256)
          .refine((text) => !/[{}]/.test(text.replaceAll("{id}", "")), "of braces only {id} means something here")
          .meta({ description: "Its vehicles, with `*` and `{id}`." }),
      }),
    )
    .default([])
    .meta({
      description:
        "Which vehicles an agent may name. Example: with { agent: gw-{id}, vehicle: car-{id} } the agent gw-7 may name the vehicle car-7 only; records with another one are put aside, so that no agent writes another vehicle's last state. The first rule that fits an agent counts. An agent that no rule fits may name every vehicle.",
    });

/** What is done about the signatures of batches. */
export const signatures = () =>
  z
    .strictObject({
      mode: z.enum(["observe", "require"]).default("observe").meta({
        description:
          "observe: everything is stored, signed and unsigned batches are counted. require: a record that its agent has not signed is put aside.",
      }),
      keys: path("no keys: name the file that holds them (`tailgate keygen` prints its lines)")
        .superRefine((file, context) => {
          const read = readKeyFiles(file);
          if (!read.ok) context.addIssue({ code: "custom", message: read.mistakes.slice(0, 10).join("; ") });
        })
        .meta({
          description:
            "A file with a line `AGENT ed25519:…` for each key (`tailgate keygen` prints it), or a folder of such files called *.keys. Read again when they change.",
        }),
    })
    .optional()
    .meta({ description: "Signatures of batches by their gateways (the Kafka sink's `signingKey`)." });
