import { expect, test } from "bun:test";
import { seededRandom } from "../../random/random.ts";
import { bytesOfText, textOfBytes } from "./byte-text.ts";

test("UTF-8 is the text that it is", () => {
  for (const text of ["", "car-1", "Größe", "火", "🚗", "\u0000\uFFFD\uFFFF"]) {
    expect(textOfBytes(Buffer.from(text))).toBe(text);
    expect(bytesOfText(text)).toEqual(Buffer.from(text));
  }
});

test("any bytes come back as they were, and no two are one text", () => {
  const random = seededRandom(5);
  const seen = new Map<string, string>();
  const interesting = [0x41, 0x80, 0xbf, 0xc0, 0xc3, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0xb2, 0xf0, 0x9f, 0x9a, 0x97, 0xff];
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(
      Array.from({ length: Math.floor(random.next() * 6) }, () =>
        random.next() < 0.5 ? Math.floor(random.next() * 256) : (interesting[Math.floor(random.next() * 16)] ?? 0),
      ),
    );
    const text = textOfBytes(bytes);
    expect(bytesOfText(text).equals(bytes)).toBe(true);
    expect(seen.get(text) ?? bytes.toString("hex")).toBe(bytes.toString("hex"));
    seen.set(text, bytes.toString("hex"));
  }
});

test("a text that an interceptor made, with half of a character in it, is written as Unicode says: U+FFFD", () => {
  expect(bytesOfText("a\ud83d").toString()).toBe("a\uFFFD");
});
