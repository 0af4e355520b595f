/**
 * Everything a fresh machine lacks, brought in by one command: quick and silent when all is there.
 *
 *     bun scripts/setup/setup.ts            for npm test: Kafka, the tools of the tests, and musl's libraries
 *     bun scripts/setup/setup.ts --start    for npm start: Kafka only (nothing when KAFKA_BROKERS is set)
 *
 * As root on Debian or Ubuntu missing packages are installed; elsewhere the message names what to install.
 */

import { existsSync } from "node:fs";
import { AppError, messageOf } from "../../shared/errors/app-error.ts";
import { codes } from "../drivers/codes.ts";
import { startBroker } from "../drivers/kafka/broker.ts";
import { kafkaDistribution, kafkaIsCached } from "../drivers/kafka/distribution.ts";
import { mariadbPrograms } from "../drivers/storage/mariadb-server.ts";
import { postgresPrograms } from "../drivers/storage/postgres-server.ts";
import { debianKeyring, muslIsCached, muslLibraries } from "./musl-libraries.ts";

/** A program that we start, and the Debian package it comes in. */
interface Tool {
  readonly package: string;
  readonly why: string;
  readonly present: () => boolean;
}

/** What the set-up is for; `start` and `demo` are those of the way over Kafka: the other one needs nothing. */
export type Purpose = "start" | "demo" | "test";

/** What a broker of our own lacks on this machine and cannot be installed from here; empty: nothing. */
export function lackingForKafka(): readonly string[] {
  const missing = kafkaTools.filter((tool) => !tool.present()).map((tool) => tool.package);
  return canInstall() ? [] : missing;
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && Bun.which("apt-get") !== null;
}

const onPath = (name: string) => () => Bun.which(name, { PATH: `${process.env.PATH}:/usr/sbin:/sbin` }) !== null;

const inArmRoot = (file: string) => () => existsSync(`/usr/aarch64-linux-gnu/lib/${file}`) || process.arch === "arm64";

const kafkaTools: readonly Tool[] = [
  { package: "default-jre-headless", why: "runs Kafka (Java 17 or newer)", present: onPath("java") },
  { package: "maven", why: "fetches Kafka's jars once", present: () => kafkaIsCached() || onPath("mvn")() },
];

const demoTools: readonly Tool[] = [
  { package: "kcat", why: "reads topics independently of our code", present: onPath("kcat") },
];

const testTools: readonly Tool[] = [
  { package: "gcc", why: "compiles the wall clock that tests set", present: onPath("gcc") },
  {
    package: "libc6-dev",
    why: "compiles the wall clock that tests set",
    present: () => existsSync("/usr/include/time.h"),
  },
  { package: "util-linux", why: "gives tests disks and roots of their own", present: onPath("nsenter") },
  { package: "strace", why: "makes system calls fail on purpose", present: onPath("strace") },
  { package: "qemu-user-static", why: "runs the arm64 binary", present: onPath("qemu-aarch64-static") },
  { package: "libc6-arm64-cross", why: "runs the arm64 binary", present: inArmRoot("ld-linux-aarch64.so.1") },
  { package: "libstdc++6-arm64-cross", why: "runs the arm64 binary", present: inArmRoot("libstdc++.so.6") },
  { package: "python3-pip", why: "fetches libraries for musl once", present: () => muslIsCached() || onPath("pip3")() },
  {
    package: "debian-archive-keyring",
    why: "checks musl's loader, fetched once",
    present: () => muslIsCached() || existsSync(debianKeyring),
  },
  {
    package: "systemd",
    why: "starts the services of edge and centre in a test",
    present: () => existsSync("/lib/systemd/systemd"),
  },
  { package: "openssl", why: "makes certificates for tests", present: onPath("openssl") },
  { package: "chromium", why: "opens the page of the centre", present: onPath("chromium") },
  { package: "rsyslog", why: "is measured beside us", present: onPath("rsyslogd") },
  { package: "rsyslog-kafka", why: "is measured beside us", present: () => rsyslogHas("omkafka") },
  { package: "rsyslog-relp", why: "sends RELP to the edge", present: () => rsyslogHas("omrelp") },
  { package: "mosquitto", why: "is the broker of the MQTT source's tests", present: onPath("mosquitto") },
  { package: "mosquitto-clients", why: "publishes to the MQTT source", present: onPath("mosquitto_pub") },
  {
    package: "postgresql",
    why: "is a store of the centre's tests",
    present: () => postgresPrograms() !== undefined,
  },
  {
    package: "mariadb-server-core",
    why: "is read by the database source's tests",
    present: () => mariadbPrograms() !== undefined,
  },
  { package: "rsyslog-gnutls", why: "sends syslog over TLS to the edge", present: () => rsyslogHas("lmnsd_gtls") },
];

/**
 * Makes sure that all is there.
 *
 * @throws AppError `TOOL_MISSING`, naming what to install, when it cannot be brought in from here.
 */
export async function setup(purpose: Purpose, say: (line: string) => void): Promise<void> {
  const tools = [
    ...(needsKafka(purpose) ? kafkaTools : []),
    ...(purpose === "start" ? [] : demoTools),
    ...(purpose === "test" ? testTools : []),
  ];
  const missing = tools.filter((tool) => !tool.present());
  if (missing.length > 0) await install(missing, say);
  if (needsKafka(purpose) && !kafkaIsCached()) await fetchKafka(say);
  if (purpose !== "test" || muslIsCached()) return;
  say("fetching musl's libraries with apt-get and pip3 (about 35 MB, once)");
  await muslLibraries("x64");
  await muslLibraries("arm64");
}

async function fetchKafka(say: (line: string) => void): Promise<void> {
  await requireJava17();
  say("fetching Apache Kafka with Maven (about 60 MB, once)");
  await kafkaDistribution();
  // The first broker writes the class archive that makes all later ones start in a second.
  await using _ = await startBroker();
}

function needsKafka(purpose: Purpose): boolean {
  return purpose === "test" || (process.env.KAFKA_BROKERS ?? "") === "";
}

async function install(missing: readonly Tool[], say: (line: string) => void): Promise<void> {
  const packages = missing.map((tool) => tool.package);
  const wanted = missing.map((tool) => `  ${tool.package.padEnd(22)} ${tool.why}`).join("\n");
  if (!canInstall()) {
    throw new AppError(codes.TOOL_MISSING, `set up this machine: these are not installed\n${wanted}`, {
      hint: `On Debian or Ubuntu: sudo apt-get install ${packages.join(" ")}. The names are close to these elsewhere.`,
    });
  }
  say(`installing ${packages.join(" ")}`);
  await apt("update", ["update", "-q"]);
  await apt("install", ["install", "-q", "-y", "--no-install-recommends", ...packages]);
  const still = missing.filter((tool) => !tool.present()).map((tool) => tool.package);
  if (still.length > 0) throw new AppError(codes.TOOL_MISSING, `install ${still.join(" ")}: not there after apt-get`);
}

async function apt(what: string, words: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const run = Bun.spawn(["apt-get", ...words], { env, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([run.stdout.text(), run.stderr.text()]);
  if ((await run.exited) === 0) return;
  throw new AppError(codes.TOOL_MISSING, `apt-get ${what}: ${`${stdout}\n${stderr}`.trim().slice(-1_500)}`);
}

async function requireJava17(): Promise<void> {
  const run = Bun.spawn(["java", "-version"], { stdout: "ignore", stderr: "pipe" });
  const text = await run.stderr.text();
  const major = Number(/version "(\d+)/.exec(text)?.[1] ?? "0");
  if (major >= 17) return;
  throw new AppError(codes.TOOL_MISSING, `run Kafka: Java ${major || "of unknown version"} is too old, it needs 17`, {
    hint: "Install Java 17 or newer (Debian, Ubuntu: apt-get install default-jre-headless) and put it first on the PATH.",
  });
}

function rsyslogHas(module: string): boolean {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const folders = [`/usr/lib/${machine}-linux-gnu/rsyslog`, "/usr/lib64/rsyslog", "/usr/lib/rsyslog"];
  return folders.some((folder) => existsSync(`${folder}/${module}.so`));
}

if (import.meta.main) {
  try {
    await setup(process.argv.includes("--start") ? "start" : "test", (line) => console.log(line));
  } catch (thrown) {
    console.error(messageOf(thrown));
    if (thrown instanceof AppError) console.error(thrown.hint);
    process.exit(1);
  }
}
