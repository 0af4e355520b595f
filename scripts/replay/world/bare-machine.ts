/**
 * A machine as a hardened gateway has it: the root read-only, /tmp writable but closed to execution. In a mount
 * namespace of its own, gone with the process.
 */
export interface BareMachine {
  /** Read-only, may execute: where the binary lies. */
  readonly binaries: string;
  /** Writable, may execute: the runtime directory (a tmpfs on a real machine). */
  readonly runtime: string;
  /** Writable, no execution. */
  readonly data: string;
}

/** Refuses to run the command when the machine is not as bare as it is meant to be. */
const script = `
set -e
binaries=$1; runtime=$2; data=$3; shift 3
mount --make-rprivate /
mount --bind /tmp /tmp
mount -o remount,bind,noexec /tmp
for folder in "$binaries" "$runtime" "$data"; do mount --bind "$folder" "$folder"; done
mount -o remount,bind,ro,exec "$binaries"
mount -o remount,bind,rw,exec "$runtime"
mount -o remount,bind,rw,noexec "$data"
mount -o remount,bind,ro /
if touch /var/lib/writable 2>/dev/null; then echo "the root is writable"; exit 97; fi
if touch "$binaries/writable" 2>/dev/null; then echo "the binaries are writable"; exit 97; fi
cp /bin/true "$data/runs"
if "$data/runs" 2>/dev/null; then echo "data may be executed"; exit 97; fi
cp /bin/true /tmp/tailgate-runs-$$
if /tmp/tailgate-runs-$$ 2>/dev/null; then echo "/tmp may be executed"; exit 97; fi
rm "$data/runs" /tmp/tailgate-runs-$$
exec "$@"
`;

/** Makes a command run on such a machine; needs root, or user namespaces that are allowed to everybody. */
export function onBareMachine({ binaries, runtime, data }: BareMachine) {
  const namespaces = process.getuid?.() === 0 ? ["-m"] : ["-U", "-r", "-m"];
  const enter = ["unshare", ...namespaces, "sh", "-c", script, "bare machine", binaries, runtime, data];
  return (command: readonly string[]): readonly string[] => [...enter, ...command];
}

/**
 * Shows a command another folder under a path: two vehicles whose files have the same names, on one machine.
 * In a mount namespace of its own, gone with the process.
 */
export function withFolderAt(path: string, folder: string) {
  const namespaces = process.getuid?.() === 0 ? ["-m"] : ["-U", "-r", "-m"];
  const mount = 'mount --make-rprivate / && mount --bind "$2" "$1" && shift 2 && exec "$@"';
  const enter = ["unshare", ...namespaces, "sh", "-c", mount, "folder", path, folder];
  return (command: readonly string[]): readonly string[] => [...enter, ...command];
}
