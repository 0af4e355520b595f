// biome-ignore-all lint/suspicious/noTemplateCurlyInString: shell variables.
import { expect, test } from "bun:test";
import { readFlumeEnv } from "./flume-env.ts";

const read = (text: string) => readFlumeEnv("flume-env.sh", text, { HOME: "/root" });

test("takes variables, in quotes, continued, and made of others", () => {
  const { variables, doubts } = read(
    "#!/bin/sh\n# c\nexport A=one\nB='two $A'\nC=\"$A/${HOME}\" # behind\nexport D\nE=x\\\ny\nJAVA_HOME=$(which java)\n",
  );
  expect(variables).toEqual({ A: "one", B: "two $A", C: "one//root", E: "xy" });
  expect(doubts.map(({ line }) => line)).toEqual([]);
});

test("takes Java's own properties out of its options", () => {
  const { system } = read('export JAVA_OPTS="-Xmx1g -Dflume.monitoring.type=http -Dflume.monitoring.port=34545"');
  expect(system).toEqual({ "flume.monitoring.type": "http", "flume.monitoring.port": "34545" });
});

test("runs nothing, and says what it left out", () => {
  const { variables, doubts } = read("A=$(rm -rf /)\nB=`id`\nif true; then\nC=1 rm x\nulimit -n 4096");
  expect(variables).toEqual({});
  expect(doubts.map(({ line }) => line)).toEqual([1, 2, 3, 4, 5]);
});
