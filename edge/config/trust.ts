/**
 * Whom a config trusts. Whoever can change it, a module that it runs or a secret that it sends decides what the agent
 * does, with the agent's rights; whoever can play the broker gets the password and the lines. Such a config is refused
 * unless the user says that it is meant (`--force`).
 */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import type { FileUse } from "../../shared/config/files-read.ts";
import type { ConfigDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import type { Components } from "./read-components.ts";

/** Who asks: the user and group that the agent runs as. */
export interface Self {
  readonly uid: number;
  readonly gid: number;
}

/** What of this process the rules look at. */
export function self(): Self {
  return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
}

/** Files that others can change: the config itself and what it names. */
export function changeableFiles(paths: Iterable<string>, who: Self): readonly Problem[] {
  return [...paths].flatMap((path) => {
    const how = changeableBy(path, who) ?? replaceableBy(dirname(path), who);
    if (how === undefined) return [];
    const hint = "give it to root or to the user of the service and take the others' right to write; or --force";
    return [{ file: path, line: 1, column: 1, key: "", message: how, hint }];
  });
}

/** Secrets that everybody can read. */
export function readableSecrets(files: ReadonlyMap<string, FileUse>): readonly Problem[] {
  return [...files].flatMap(([path, use]) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (use !== "secret" || stat === undefined || !stat.isFile() || (stat.mode & 0o004) === 0) return [];
    const message = "everybody on this machine can read this secret";
    return [{ file: path, line: 1, column: 1, key: "", message, hint: "chmod o-r" }];
  });
}

/** Links on which anybody between here and the broker gets the password or the lines; on this machine itself nobody is. */
export function openLinks(document: ConfigDocument, { sinks }: Components): readonly Problem[] {
  return [...sinks].flatMap(([name, sink]) => {
    const config = sink?.make.config ?? {};
    const [tls, mechanism] = [fieldOf(config, "tls"), fieldOf(fieldOf(config, "sasl"), "mechanism")];
    if (staysHere(config.brokers)) return [];
    const problems: Problem[] = [];
    if (mechanism === "plain" && tls === undefined) {
      const hint = "give it `tls`, or use scram-sha-512; or --force";
      problems.push(
        document.problem(
          ["sinks", name, "sasl", "mechanism"],
          "sends the password readable for anybody on the way",
          hint,
        ),
      );
    }
    if (fieldOf(tls, "verify") === false) {
      const hint = "name the `ca` that signed the brokers' certificates; or --force";
      problems.push(
        document.problem(["sinks", name, "tls", "verify"], "lets anybody on the way play the broker", hint),
      );
    }
    return problems;
  });
}

function changeableBy(path: string, { uid, gid }: Self): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.uid !== 0 && stat.uid !== uid) return `user ${stat.uid}, whom it belongs to, can change it`;
  if ((stat.mode & 0o002) !== 0) return "everybody on this machine can change it";
  if ((stat.mode & 0o020) !== 0 && stat.gid !== 0 && stat.gid !== gid) return `group ${stat.gid} can change it`;
  return undefined;
}

/** A folder that everybody can write to lets everybody put another file in its place, unless it is sticky as /tmp is. */
function replaceableBy(folder: string, who: Self): string | undefined {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & 0o1000) !== 0) return undefined;
  const how = changeableBy(folder, who);
  return how === undefined ? undefined : `its folder ${folder}: ${how}`;
}

function staysHere(brokers: unknown): boolean {
  return (
    Array.isArray(brokers) && brokers.every((each) => /^(?:localhost|127\.[\d.]+|\[?::1\]?):\d+$/.test(String(each)))
  );
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
