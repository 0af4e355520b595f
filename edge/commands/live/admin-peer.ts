import { type ListenAddress, parseListenAddress, showAddress } from "../../../shared/config/listen-address.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { defineCodes } from "../../../shared/errors/error-code.ts";
import { loadConfig } from "../../config/load-config.ts";
import { type Arguments, type CommandContext, configOption, configPath, type OptionDeclaration } from "../command.ts";
import { reportProblems } from "../report-problems.ts";

/** Error codes of the verbs that ask a running agent. */
export const codes = defineCodes({
  EDGE_AGENT_UNREACHABLE: {
    severity: "transient",
    hint: "Look whether the agent runs, whether its config has `admin`, and whether you may reach the address (a Unix socket is for the agent's user and root).",
  },
});

/** How the verbs are told which agent to ask. */
export const adminOptions = {
  ...configOption,
  admin: {
    summary: "Where its admin HTTP listens, instead of the config's: host:port, or a Unix socket",
    value: "address",
  },
} as const satisfies Record<string, OptionDeclaration>;

/** The admin HTTP of a running agent. */
export class AdminPeer {
  constructor(private readonly address: ListenAddress) {}

  get shown(): string {
    return showAddress(this.address);
  }

  /** @throws AppError `EDGE_AGENT_UNREACHABLE` when nobody answers. */
  async get(path: string, signal?: AbortSignal): Promise<Response> {
    const { address } = this;
    try {
      // No proxy of the environment lies between this machine and itself.
      const options = { proxy: "", redirect: "manual", ...(signal === undefined ? {} : { signal }) } as const;
      if (address.kind === "unix") return await fetch(`http://localhost${path}`, { ...options, unix: address.path });
      return await fetch(`http://${reachable(address)}${path}`, options);
    } catch (thrown) {
      throw new AppError(codes.EDGE_AGENT_UNREACHABLE, `ask ${this.shown}: ${messageOf(thrown)}`, { cause: thrown });
    }
  }
}

/** Who is asked; undefined when the config is wrong, and that was said. @throws AppError `USAGE` when nothing says where. */
export function adminPeer(given: Arguments, world: CommandContext, config: string | undefined): AdminPeer | undefined {
  const asked = given.value("admin");
  if (asked !== undefined) {
    const address = parseListenAddress(asked);
    if (typeof address === "string") throw new AppError("USAGE", `--admin: ${address}`);
    return new AdminPeer(address);
  }
  const path = configPath({ ...given, positionals: config === undefined ? [] : [config] }, world);
  const loaded = loadConfig(path, world.registry, world.environment);
  if (!loaded.ok) {
    world.err(reportProblems(loaded.problems));
    return undefined;
  }
  const { admin } = loaded.config;
  if (admin !== undefined) return new AdminPeer(admin);
  throw new AppError("USAGE", `${path} has no admin HTTP`, {
    hint: "Write `admin: { address: … }` into the config and restart the agent, or say where it listens with --admin.",
  });
}

/** Who listens everywhere listens here. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  const here = host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
  return here.includes(":") ? `[${here}]:${port}` : `${here}:${port}`;
}
