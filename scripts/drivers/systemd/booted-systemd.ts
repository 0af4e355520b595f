/**
 * A real systemd as the first process of namespaces of its own, on a copy of this machine's files: what it and its services
 * write goes into memory, and nothing of it is seen outside. (Not on the files themselves: at its start it clears /tmp.)
 *
 *     unshare ─▶ overlay over / ─▶ pivot_root ─▶ systemd, with journald and nothing else
 *                                                  └ nsenter: systemctl, journalctl, files
 *
 * The network is this machine's. Needs root, overlayfs, and a cgroup2 that can be mounted; controllers it does not need.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { until } from "../../../shared/testing/until.ts";

/** What a command has said. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of hardware, clocks and disks, which are the machine's; and what makes files that are there already. */
const masked = [
  "dev-hugepages.mount",
  "dev-mqueue.mount",
  "proc-sys-fs-binfmt_misc.automount",
  "sys-kernel-debug.mount",
  "sys-kernel-tracing.mount",
  "systemd-binfmt.service",
  "systemd-boot-system-token.service",
  "systemd-firstboot.service",
  "systemd-hwdb-update.service",
  "systemd-journal-flush.service",
  "systemd-machine-id-commit.service",
  "systemd-modules-load.service",
  "systemd-pcrphase-sysinit.service",
  "systemd-pcrphase.service",
  "systemd-random-seed.service",
  "systemd-remount-fs.service",
  "systemd-sysctl.service",
  "systemd-sysusers.service",
  "systemd-tmpfiles-setup-dev.service",
  "systemd-tmpfiles-setup.service",
  "systemd-udev-trigger.service",
  "systemd-udevd-control.socket",
  "systemd-udevd-kernel.socket",
  "systemd-udevd.service",
  "systemd-update-utmp.service",
];

/** Of the project. */
const root = join(import.meta.dir, "../../..");

const boot = `set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
cd /mnt/root
mount -t proc proc proc
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount -t cgroup2 none sys/fs/cgroup
for folder in run tmp var/tmp etc/systemd/system; do mount -t tmpfs -o mode=755 tmpfs $folder; done
chmod 1777 tmp var/tmp
# A project that lies in one of these is seen all the same, to be read.
case '${root}' in /run/*|/tmp/*|/var/tmp/*)
  mkdir -p '.${root}'
  mount --bind '${root}' '.${root}'
  mount -o remount,bind,ro '.${root}';;
esac
pivot_root . mnt
cd /
umount -l /mnt
# As on a machine that was booted: credentials are mounted in one namespace and seen in another.
mount --make-rshared /
for unit in ${masked.join(" ")}; do ln -s /dev/null /etc/systemd/system/$unit; done
printf '[Unit]\\nRequires=sysinit.target\\nAfter=sysinit.target\\n' > /etc/systemd/system/trial.target
exec env -i container=trial PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
  /lib/systemd/systemd --system --unit=trial.target --log-target=null --show-status=no
`;

export class BootedSystemd implements AsyncDisposable {
  private constructor(
    private readonly unshared: Child,
    private readonly pid: string,
  ) {}

  /** Waits until it runs. @throws Error with what it said. */
  static async boot(): Promise<BootedSystemd> {
    const words = ["--pid", "--mount", "--fork", "--cgroup", "--uts", "--ipc", "--kill-child=KILL"];
    const unshared = startChild({ name: "systemd", command: ["unshare", ...words, "bash", "-c", boot] });
    const what = "systemd to run";
    try {
      const pid = await until(
        what,
        () => childOf(unshared.pid),
        (found) => found !== "",
      );
      const booted = new BootedSystemd(unshared, pid);
      const state = async () => (await booted.run("systemctl", "is-system-running")).stdout.trim();
      await until(what, state, (said) => said === "running", { withinMs: 60_000, everyMs: 100 });
      return booted;
    } catch (thrown) {
      await unshared.kill();
      throw new Error(`boot systemd: ${unshared.tail(3_000)}`, { cause: thrown });
    }
  }

  /** Runs a command as root where systemd is. */
  async run(...command: readonly string[]): Promise<Said> {
    const enter = ["nsenter", "-t", this.pid, "-m", "-p", "-i", "-u", "-C", "--"];
    const child = Bun.spawn([...enter, ...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { code: await child.exited, stdout, stderr };
  }

  /** The same; what it printed. @throws Error when it fails. */
  async must(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(...command);
    if (code !== 0) throw new Error(`${command.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }

  /** A property of a unit. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.must("systemctl", "show", "--value", "-p", name, unit)).trim();
  }

  async log(unit: string): Promise<string> {
    return await this.must("journalctl", "--no-pager", "-o", "cat", "-u", unit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unshared.kill();
  }
}

/** Empty: there is none yet. */
function childOf(pid: number): string {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
}
