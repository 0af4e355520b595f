import { runtimeEnvironment } from "../runtime-environment.ts";

/** What a unit depends on. */
export interface UnitOptions {
  readonly binary: string;
  readonly config: string;
  /** Undefined: systemd makes one up (DynamicUser). */
  readonly user: string | undefined;
}

/**
 * The systemd unit (systemd.service(5), systemd.exec(5)).
 *
 * The runtime directory is on tmpfs: the SQLite addon is unpacked there, where no power cut can leave it half written
 * and exec is allowed. There is no MemoryDenyWriteExecute: a JavaScript engine compiles at run time.
 */
export function renderUnit({ binary, config, user }: UnitOptions): string {
  return `[Unit]
Description=Tailgate log agent
Documentation=man:systemd.service(5)
After=local-fs.target network.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${quoted(binary)} run --config ${quoted(config)}
ExecReload=/bin/kill -HUP $MAINPID
WatchdogSec=60
Restart=always
RestartSec=2
TimeoutStopSec=30
${user === undefined ? "DynamicUser=yes\nSupplementaryGroups=adm" : `User=${user}`}

# The channel file, and the place where the binary unpacks its SQLite addon.
StateDirectory=tailgate
StateDirectoryMode=0700
RuntimeDirectory=tailgate
RuntimeDirectoryMode=0700
Environment=BUN_TMPDIR=/run/tailgate
${Object.entries(runtimeEnvironment)
  .map(([name, value]) => `Environment=${name}=${value}`)
  .join("\n")}
UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN NODE_OPTIONS
WorkingDirectory=/var/lib/tailgate

# A gateway's own work comes first.
Nice=5
IOSchedulingClass=best-effort
IOSchedulingPriority=6
MemoryHigh=256M

NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

function quoted(path: string): string {
  const escaped = path.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\]/.test(escaped) ? `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : escaped;
}
