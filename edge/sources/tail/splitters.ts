import { ContainerSplitter } from "../../../shared/lines/container-lines.ts";
import type { Splitter } from "../../../shared/lines/split-lines.ts";
import { type ByteOrder, byteOrderOf, Utf16Splitter } from "../../../shared/lines/utf-16.ts";
import { limits } from "../../core/limits.ts";
import type { LineIntake } from "../../core/line-intake.ts";
import type { Config } from "./config.ts";
import type { FollowedFile } from "./followed-file.ts";
import { splitterFor } from "./multiline.ts";

/** A chunk of UTF-16 holds half as many characters as one of bytes, and must hold a whole line. */
const utf16LineBytesMax = limits.readBytes / 2 - 1024;

/**
 * By what the bytes of a file are divided into events. Where the config asks for nothing special it is one splitter for
 * all files, and nothing is looked at.
 *
 * @param onUtf16 told of each file that is UTF-16 by its mark and is read as bytes.
 */
export function splittersFor(
  config: Config,
  output: LineIntake,
  onUtf16: (file: FollowedFile) => void,
): (file: FollowedFile) => Splitter {
  const { encoding, format } = config;
  if (format !== "lines") {
    const about = (facts: { readonly stream: string; readonly timeMs: number } | undefined) =>
      output.about(facts?.stream ?? "", facts?.timeMs ?? 0);
    const splitter = new ContainerSplitter({ ...config, format, about });
    return () => splitter;
  }
  const plain = splitterFor(config);
  const inner = () => splitterFor({ ...config, lineBytesMax: Math.min(config.lineBytesMax, utf16LineBytesMax) });
  const utf16 = (order: ByteOrder) => new Utf16Splitter(order, inner());
  if (encoding === "utf-16le" || encoding === "utf-16be") {
    const splitter = utf16(encoding === "utf-16le" ? "little" : "big");
    return () => splitter;
  }
  if (encoding === "bytes") {
    return (file) => {
      if (file.offset === 0 && byteOrderOf(file.beginning) !== undefined) onUtf16(file);
      return plain;
    };
  }
  const byOrder = { little: utf16("little"), big: utf16("big") };
  return (file) => {
    const order = byteOrderOf(file.beginning);
    return order === undefined ? plain : byOrder[order];
  };
}
