const perLine = 16;
const bytesMax = 4_096;

/** Bytes as programmers read them: offset, hexadecimal, and what of them is plain ASCII. */
export function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, bytesMax); at += perLine) {
    const some = [...bytes.subarray(at, at + perLine)];
    const hex = some.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = some.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(perLine * 3)} ${text}`);
  }
  if (bytes.length > bytesMax) lines.push(`… and ${bytes.length - bytesMax} bytes more`);
  return lines.join("\n");
}
