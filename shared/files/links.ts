/**
 * Which links of a file system are followed. A folder that others can write may hold a link to anything, and a program
 * that may read more than they do would carry it out for them. So a link is followed when
 *
 *   - it belongs to root or to the user we run as (whoever made it could read for us anyway), or
 *   - what it leads to in the end lies below the link's own folder, or below a root that the config names.
 *
 * Each link on the way is judged by itself: a link of root's that leads through a link of somebody else's is no better
 * than that one. What is found here is a path without links; it is opened as one (open-regular.ts), so a link that is
 * put into its place afterwards leads nowhere.
 */
import { lstatSync, readlinkSync } from "node:fs";
import { childOf, folderOf, systemPath, textOf } from "./path-text.ts";
import { FileRefused } from "./refusal.ts";

/** `true`: all; `false`: none; else those that are safe, and those to targets below these folders. */
export type FollowLinks = boolean | readonly string[];

/** As many links as the system itself follows. */
const linksMax = 40;

/** What else is to be known about resolving. */
export interface ResolveOptions {
  /** A folder without links that `path` lies below; links above it are not looked at. */
  readonly from?: string;
  /** User ids whose links are followed wherever they lead. */
  readonly trusted?: readonly number[];
}

/**
 * The path without links that `path` leads to.
 *
 * @throws the system's error when there is nothing; FileRefused for a link that is not followed.
 */
export function resolveLinks(path: string, follow: FollowLinks, options: ResolveOptions = {}): string {
  const { from = "/", trusted = [0, process.geteuid?.() ?? 0] } = options;
  const pending = partsOf(path.slice(from === "/" ? 0 : from.length)).reverse();
  const bounds: { readonly link: string; readonly folder: string }[] = [];
  let at = from;
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === "..") {
      at = folderOf(at);
      continue;
    }
    const next = childOf(at, part);
    const stat = lstatSync(systemPath(next));
    if (!stat.isSymbolicLink()) {
      at = next;
      continue;
    }
    if (++links > linksMax) throw new FileRefused(path, "a link that leads in a circle");
    if (follow === false) throw new FileRefused(path, "a link, and followSymlinks is false");
    if (follow !== true && !trusted.includes(stat.uid)) bounds.push({ link: next, folder: at });
    const target = textOf(readlinkSync(systemPath(next), { encoding: "buffer" }));
    pending.push(...partsOf(target).reverse());
    if (target.startsWith("/")) at = "/";
  }
  const roots = typeof follow === "boolean" ? [] : follow;
  for (const { link, folder } of bounds) {
    if (isBelow(at, folder) || roots.some((root) => isBelow(at, root))) continue;
    throw new FileRefused(
      path,
      `a link of another user to ${at}: name a folder above that in followSymlinks (${link})`,
    );
  }
  return at;
}

/** Whether a path lies below a folder; both without links. */
export function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
