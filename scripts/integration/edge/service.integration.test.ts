/**
 * The units that `service install` writes, under a real systemd: edge and central start as users of their own, with a config
 * that has a lake folder, a spool and secrets of root's, without a drop-in; ready by notify, reloaded, watched, stopped.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { buildCentral, buildEdge } from "../../build/build.ts";
import { BootedSystemd } from "../../drivers/systemd/booted-systemd.ts";

const key = "a-key-to-look-and-relay-with";
const sha256 = createHash("sha256").update(key).digest("hex");
let systemd: BootedSystemd;
let url = "";

beforeAll(async () => {
  const [edge, central] = [await buildEdge(), await buildCentral()];
  systemd = await BootedSystemd.boot();
  url = `http://127.0.0.1:${await freePort()}`;
  const edgeConfig = `agent: gw-1
dataDir: /srv/data
sources:
  spool: { type: spooldir, path: /srv/spool, channels: [main, copy] }
channels:
  main: { type: sqlite }
  copy: { type: sqlite }
sinks:
  central: { type: relay, channel: main, url: "${url}", token: { file: /etc/tailgate/secrets/key } }
  lake: { type: file_roll, channel: copy, directory: /srv/lake, rollInterval: 1s }
admin: { address: /run/tailgate/admin.sock }
`;
  const centralConfig = `listen: ${new URL(url).host}
store: /var/lib/tailgate-central/central.db
apiKeys: [{ name: gw-1, sha256: { file: /etc/tailgate/secrets/sha256 }, scopes: [read, relay] }]
`;
  await systemd.must(
    "sh",
    "-ec",
    `cp ${edge} /usr/local/bin/tailgate; cp ${central} /usr/local/bin/tailgate-central
useradd --system --no-create-home gateway
mkdir -p /etc/tailgate /srv/spool /srv/lake /srv/data
chown gateway: /srv/spool /srv/lake /srv/data
install -d -m 700 /etc/tailgate/secrets
umask 077; printf %s '${key}' > /etc/tailgate/secrets/key; printf %s ${sha256} > /etc/tailgate/secrets/sha256
umask 022; printf %s "$1" > /etc/tailgate/tailgate.yaml; printf %s "$2" > /etc/tailgate/central.yaml
tailgate-central service install --config /etc/tailgate/central.yaml
tailgate service install --config /etc/tailgate/tailgate.yaml --user gateway
systemctl daemon-reload`,
    "sh",
    edgeConfig,
    centralConfig,
  );
}, 300_000);
afterAll(async () => {
  await systemd?.[Symbol.asyncDispose]();
});

/** Ready by notify: `systemctl start` returns when the service has said so. @throws Error with the unit's log. */
async function start(unit: string): Promise<void> {
  const { code, stderr } = await systemd.run("systemctl", "start", unit);
  if (code !== 0) throw new Error(`${stderr}\n${await systemd.log(unit)}`);
  expect(await systemd.property(unit, "ActiveState")).toBe("active");
}

async function pidOf(unit: string): Promise<string> {
  return await systemd.property(unit, "MainPID");
}

async function stored(): Promise<number> {
  const answer = await fetch(`${url}/api/v1/status`, { headers: { Authorization: `Bearer ${key}` } });
  return Object(await answer.json()).stored;
}

test("both start and do their work as users that may not read the secrets", async () => {
  await start("tailgate-central");
  await start("tailgate");
  for (const unit of ["tailgate", "tailgate-central"]) {
    const uid = await systemd.must("stat", "-c", "%u", `/proc/${await pidOf(unit)}`);
    expect(Number(uid)).not.toBe(0);
  }
  await systemd.must("sh", "-ec", "seq 100 > /srv/spool/.new; mv /srv/spool/.new /srv/spool/one.log");
  await until("all to be stored", stored, (count) => count === 100, { withinMs: 20_000, everyMs: 50 });
  const rolled = async () =>
    (await systemd.run("sh", "-c", "find /srv/lake -type f -exec cat {} + | wc -l")).stdout.trim();
  await until("the lake to have them too", rolled, (lines) => lines === "100", { withinMs: 20_000, everyMs: 100 });
  const ready = await systemd.must(
    "curl",
    "-s",
    "--unix-socket",
    "/run/tailgate/admin.sock",
    "http://localhost/readyz",
  );
  expect(ready).toBe("ready\n");
}, 60_000);

test("a reload is one: the same process, the new config, and central looks at its files", async () => {
  const before = [await pidOf("tailgate"), await pidOf("tailgate-central")];
  await systemd.must("sh", "-ec", "echo 'linger: 20ms' >> /etc/tailgate/tailgate.yaml");
  await systemd.must("systemctl", "reload", "tailgate", "tailgate-central");
  await systemd.must("sh", "-ec", "seq 100 > /srv/spool/.new; mv /srv/spool/.new /srv/spool/two.log");
  await until("all to be stored", stored, (count) => count === 200, { withinMs: 20_000, everyMs: 50 });
  expect([await pidOf("tailgate"), await pidOf("tailgate-central")]).toEqual(before);
}, 60_000);

test("one that hangs is started anew by the watchdog", async () => {
  // The minute of the unit would be a long one here; nothing else of it is changed.
  await systemd.must(
    "sh",
    "-ec",
    `for unit in tailgate tailgate-central; do
  mkdir -p /run/systemd/system/$unit.service.d
  printf '[Service]\\nWatchdogSec=5\\n' > /run/systemd/system/$unit.service.d/soon.conf
done
systemctl daemon-reload; systemctl restart tailgate-central tailgate`,
  );
  const units = ["tailgate", "tailgate-central"];
  const pids = await Promise.all(units.map(pidOf));
  // Alive and well they are left alone.
  await Bun.sleep(6_000);
  expect(await Promise.all(units.map(pidOf))).toEqual(pids);
  await systemd.must("kill", "-STOP", ...pids);
  for (const unit of units) {
    const restarts = async () => Number(await systemd.property(unit, "NRestarts"));
    await until(`${unit} to be started anew`, restarts, (count) => count > 0, { withinMs: 30_000, everyMs: 200 });
    const state = async () => await systemd.property(unit, "ActiveState");
    await until(`${unit} to be ready again`, state, (said) => said === "active", { withinMs: 30_000, everyMs: 100 });
  }
  expect(await stored()).toBe(200);
}, 120_000);

test("a stop is clean", async () => {
  await systemd.must("systemctl", "stop", "tailgate", "tailgate-central");
  for (const unit of ["tailgate", "tailgate-central"]) {
    expect([await systemd.property(unit, "ActiveState"), await systemd.property(unit, "Result")]).toEqual([
      "inactive",
      "success",
    ]);
  }
}, 60_000);
