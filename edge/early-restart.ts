/**
 * Gives the agent its small heap however it is started: by hand, in a container, by another supervisor. The runtime reads
 * its settings from the environment before the first line of ours, so a `run` that lacks them executes itself once more
 * with them (execve(2)): the same process, the same arguments, about 8 ms later. Whoever sets them beforehand, as the service
 * unit does, saves that. Of the descriptors only the standard ones are handed on: a config that comes out of another one
 * is read as it is, with the large heap, and that is said. The second import of main.ts, so that little has been loaded yet.
 *
 * A SIGHUP that comes between the two would end the process, since execve sets handlers back to the default; an ignored
 * signal stays ignored. So it is ignored until `early-hangup.ts` of the second start listens again.
 */
import { messageOf } from "../shared/errors/app-error.ts";
import { openLibc } from "../shared/system/libc.ts";
import { inheritedDescriptor, withRuntimeSettings } from "./runtime-environment.ts";

/** The program that this process runs, also when its file was replaced meanwhile (proc_pid_exe(5)). */
const ownProgram = "/proc/self/exe";
const [hangup, ignore] = [1, 1] as const; // SIGHUP and SIG_IGN of signal(2), on Linux everywhere

let failure: string | undefined;

/** Why the agent runs without its settings; undefined when it has them. */
export function restartFailure(): string | undefined {
  return failure;
}

// From source it is the developer's own `bun` that would be started again.
const compiled = process.env.TAILGATE_TARGET !== undefined;
const environment = withRuntimeSettings(process.env);
if (compiled && process.argv[2] === "run" && environment !== undefined) {
  const descriptor = inheritedDescriptor([...process.argv.slice(3), process.env.TAILGATE_CONFIG]);
  if (descriptor !== undefined) failure = `another start would close ${descriptor} before it was read`;
  else {
    try {
      restart(environment);
    } catch (thrown) {
      failure = messageOf(thrown);
    }
  }
}

function restart(environment: Readonly<Record<string, string | undefined>>): never {
  const libc = openLibc({ signal: { args: ["i32", "ptr"], returns: "ptr" } });
  libc.symbols.signal(hangup, ignore);
  const { execve } = process;
  if (execve === undefined) throw new Error("this runtime cannot execute itself anew");
  return execve.call(process, ownProgram, [process.argv0, ...process.argv.slice(2)], { ...environment });
}
