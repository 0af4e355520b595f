import { loadCredentialLines } from "../../shared/config/credentials.ts";
import { runtimeEnvironment } from "../runtime-environment.ts";

/** What a unit depends on. */
export interface UnitOptions {
  readonly binary: string;
  readonly config: string;
  /** Undefined: systemd makes one up (DynamicUser). */
  readonly user: string | undefined;
  /** Folders outside of the state directory that the config writes to. */
  readonly writes: readonly string[];
  /** Files of secrets and certificates, which its user need not be able to read. */
  readonly secrets: readonly string[];
  /** Whether something of it lies under /home, /root or /run/user. */
  readonly readsHomes: boolean;
}

/**
 * The systemd unit (systemd.service(5), systemd.exec(5)).
 *
 * The runtime directory is on tmpfs: the SQLite addon is unpacked there, where no power cut can leave it half written
 * and exec is allowed. There is no MemoryDenyWriteExecute: a JavaScript engine compiles at run time.
 */
export function renderUnit({ binary, config, user, writes, secrets, readsHomes }: UnitOptions): string {
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
# Nothing around it decides what the runtime runs, loads or sends away.
UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_INSPECT_CONNECT_TO BUN_CRASH_REPORT_URL BUN_CONFIG_VERBOSE_FETCH NODE_OPTIONS NODE_EXTRA_CA_CERTS LD_PRELOAD LD_LIBRARY_PATH
WorkingDirectory=/var/lib/tailgate
${secrets.length === 0 ? "" : `# Read as root at each start; the copies are for its user alone.\n${loadCredentialLines(secrets)}`}
# A gateway's own work comes first.
Nice=5
IOSchedulingClass=best-effort
IOSchedulingPriority=6
MemoryHigh=256M
LimitNOFILE=65536
LimitCORE=0

NoNewPrivileges=yes
ProtectSystem=strict
${writes.map((path) => `ReadWritePaths=${quoted(path)}\n`).join("")}ProtectHome=${readsHomes ? "read-only" : "yes"}
ProtectProc=invisible
PrivateTmp=yes
RemoveIPC=yes
KeyringMode=private
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
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @debug @mount @swap @reboot @raw-io @obsolete
SystemCallFilter=sched_setaffinity sched_setscheduler setpriority ioprio_set fchown fchownat
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=
AmbientCapabilities=
DevicePolicy=closed
UMask=0077

[Install]
WantedBy=multi-user.target
`;
}

function quoted(path: string): string {
  const escaped = path.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\]/.test(escaped) ? `"${escaped.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"` : escaped;
}
