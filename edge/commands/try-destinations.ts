import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { connect } from "node:net";
import { dirname } from "node:path";
import { withDeadline } from "../../shared/async/deadline.ts";
import { messageOf } from "../../shared/errors/app-error.ts";
import type { AgentConfig, SinkConfig } from "../config/agent-config.ts";
import type { World } from "./command.ts";

const timeoutMs = 5_000;

/** Tries every sink's destination and says how it went. True when all answered. Sends no event. */
export async function tryDestinations(config: AgentConfig, world: Pick<World, "out">): Promise<boolean> {
  let all = true;
  for (const [name, sink] of config.sinks) {
    for (const { what, attempt } of attemptsOf(sink)) {
      try {
        await withDeadline(attempt(), timeoutMs, () => new Error(`no answer within ${timeoutMs / 1000} s`));
        world.out(`sink ${name}: ${what}: answers\n`);
      } catch (thrown) {
        all = false;
        world.out(`sink ${name}: ${what}: ${messageOf(thrown)}\n`);
      }
    }
  }
  return all;
}

interface Attempt {
  readonly what: string;
  readonly attempt: () => Promise<void>;
}

/** What can be tried from outside: addresses that must take a connection, folders that must take a file. */
function attemptsOf({ make: { config } }: SinkConfig): readonly Attempt[] {
  const attempts: Attempt[] = [];
  if (Array.isArray(config.brokers)) {
    for (const address of config.brokers.map(String)) attempts.push({ what: address, attempt: () => dial(address) });
  }
  if (typeof config.directory === "string") {
    const { directory } = config;
    attempts.push({ what: directory, attempt: () => writable(directory) });
  }
  return attempts;
}

function dial(address: string): Promise<void> {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(address.slice(colon + 1)) });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error("no answer")));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

/** The folder, or the nearest one above it that is there: the sink makes the rest. */
async function writable(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK);
  } catch (thrown) {
    const absent = thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
    if (!absent || dirname(directory) === directory) throw thrown;
    await writable(dirname(directory));
  }
}
