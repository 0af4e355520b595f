import { dirname } from "node:path";
import { loadCredentialLines } from "../shared/config/credentials.ts";

/** What the unit depends on. */
export interface CentralUnit {
  readonly binary: string;
  readonly config: string;
  /** Undefined: systemd makes one up (DynamicUser). */
  readonly user: string | undefined;
  /** Path of the SQLite file, out of the config. */
  readonly store: string;
  /** The lake's directory; undefined: there is none. */
  readonly lake?: string | undefined;
  /** Files of secrets, which its user need not be able to read. */
  readonly secrets: readonly string[];
}

/** Where systemd lets the service write in any case. */
export const stateDirectory = "/var/lib/tailgate-central";

/**
 * The systemd unit (systemd.service(5), systemd.exec(5)): central as a user of its own, which may write to its store and
 * to nothing else. There is no MemoryDenyWriteExecute: a JavaScript engine compiles at run time. There is no
 * ProcSubset=pid: boot id and uptime are read from /proc.
 */
export function renderCentralUnit({ binary, config, user, store, lake, secrets }: CentralUnit): string {
  const folders = [...(store.startsWith("/") ? [dirname(store)] : []), ...(lake === undefined ? [] : [lake])];
  const outside = folders.filter((folder) => folder !== stateDirectory && !folder.startsWith(`${stateDirectory}/`));
  return `[Unit]
Description=Tailgate central
Documentation=man:systemd.service(5)
After=local-fs.target network-online.target
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${quoted(binary)} --config ${quoted(config)}
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec=60
Restart=always
RestartSec=2
TimeoutStopSec=20
${user === undefined ? "DynamicUser=yes" : `User=${user}`}

# The store, and the place where the binary unpacks its SQLite addon.
StateDirectory=tailgate-central
StateDirectoryMode=0700
RuntimeDirectory=tailgate-central
RuntimeDirectoryMode=0700
WorkingDirectory=${stateDirectory}
${outside.map((folder) => `ReadWritePaths=${quoted(folder)}\n`).join("")}Environment=BUN_TMPDIR=/run/tailgate-central
${loadCredentialLines(secrets)}UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_CRASH_REPORT_URL NODE_OPTIONS
UMask=0077
LimitNOFILE=65536
LimitCORE=0

NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
PrivateDevices=yes
PrivateTmp=yes
PrivateUsers=yes
RemoveIPC=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
AmbientCapabilities=

[Install]
WantedBy=multi-user.target
`;
}

function quoted(path: string): string {
  const escaped = path.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\]/.test(escaped) ? `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : escaped;
}
