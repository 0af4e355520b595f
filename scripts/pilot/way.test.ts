import { expect, test } from "bun:test";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "../drivers/codes.ts";
import { chooseWay, type WayOptions } from "./way.ts";

async function choose(options: Partial<WayOptions>) {
  const said: string[] = [];
  let prepared = 0;
  const prepare = async () => void prepared++;
  const say = (line: string) => void said.push(line);
  const none = { kafka: false, relay: false, brokers: undefined, lacking: [] };
  const way = await chooseWay({ ...none, prepare, say, ...options });
  return { way, said, prepared };
}

const missing = async () => {
  throw new AppError(codes.TOOL_MISSING, "apt-get install: no network\nmore words");
};

test("somebody's brokers, or what a broker of our own needs: over Kafka, without a word", async () => {
  expect(await choose({ brokers: "kafka:9092", lacking: ["maven"] })).toEqual({ way: "kafka", said: [], prepared: 1 });
  expect(await choose({})).toEqual({ way: "kafka", said: [], prepared: 1 });
});

test("without Java and Maven the edge relays, and one line says what is missing for Kafka", async () => {
  const { way, said, prepared } = await choose({ lacking: ["default-jre-headless", "maven"] });
  expect([way, prepared, said.length]).toEqual(["relay", 0, 1]);
  expect(said[0]).toContain("missing: default-jre-headless, maven");
  const failed = await choose({ prepare: missing });
  expect([failed.way, failed.said.length]).toEqual(["relay", 1]);
  expect(failed.said[0]).toContain("no network");
  expect(failed.said[0]).not.toContain("\n");
});

test("each way can be forced, and a forced Kafka is not replaced in silence", async () => {
  expect(await choose({ relay: true, brokers: "kafka:9092" })).toEqual({ way: "relay", said: [], prepared: 0 });
  expect(await choose({ kafka: true, lacking: ["maven"] })).toMatchObject({ way: "kafka", prepared: 1 });
  await expect(choose({ kafka: true, prepare: missing })).rejects.toMatchObject({ code: "TOOL_MISSING" });
  await expect(choose({ kafka: true, relay: true })).rejects.toMatchObject({ code: "USAGE" });
});
