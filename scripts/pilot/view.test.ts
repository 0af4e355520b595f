import { expect, test } from "bun:test";
import type { Numbers } from "./numbers.ts";
import { renderBlock, renderLine, View } from "./view.ts";

const numbers: Numbers = {
  way: "kafka" as const,
  written: 12_345,
  writtenStatus: 6_000,
  edge: { read: 12_345, backlog: 678, backlogBytes: 20_480, batchSent: 6_000, batchHeld: 0 },
  central: { vehicles: 100, linesPerSecond: 99.8, stored: 11_667, missing: 0, repeated: 0, lag: 0 },
  brokerUp: true,
};

function screen(isTerminal: boolean) {
  const written: string[] = [];
  return { isTerminal, written, write: (text: string) => void written.push(text) };
}

test("a line holds all that counts, and says who is away", () => {
  const line = renderLine(numbers);
  for (const part of ["cars 100", "backlog 678", "stored 11,667", "missing 0", "repeated 0"])
    expect(line).toContain(part);
  expect(line).not.toContain("away");
  const alone = renderLine({
    way: "kafka",
    written: 5,
    writtenStatus: 0,
    edge: undefined,
    central: undefined,
    brokerUp: false,
  });
  expect(alone).toContain("[away: Kafka, edge, central]");
  expect(alone).toContain("stored -");
});

test("the block shows the page's address and the keys", () => {
  const block = renderBlock(numbers, "http://127.0.0.1:8080/", "Ctrl-C: end").join("\n");
  expect(block).toContain("http://127.0.0.1:8080/");
  expect(block).toContain("Ctrl-C: end");
  expect(block).toMatch(/backlog +678 +20 KiB █+/);
});

test("on a terminal the block is drawn over itself, and notes stay above it", () => {
  const terminal = screen(true);
  const view = new View(terminal, "url", "hint");
  view.show(numbers, 0);
  const height = terminal.written.join("").split("\n").length - 1;
  view.note("» Kafka is stopped");
  expect(terminal.written[1]).toBe(`\x1b[${height}A\x1b[J`);
  expect(terminal.written[2]).toBe("» Kafka is stopped\n");
  view.show(numbers, 0);
  expect(terminal.written[3]).not.toContain("\x1b[J");
});

test("elsewhere there is a line every two seconds, without control characters", () => {
  const pipe = screen(false);
  const view = new View(pipe, "url", "hint");
  for (let ms = 0; ms <= 4_000; ms += 500) view.show(numbers, ms);
  expect(pipe.written.length).toBe(3);
  expect(pipe.written.join("")).not.toContain("\x1b");
});
