// biome-ignore-all lint/suspicious/noTemplateCurlyInString: this file is about texts that hold ${…}.
import { expect, test } from "bun:test";
import { type Answers, substitute } from "./substitute.ts";

const answers: Answers = {
  environment: { PORT: "44444", HOME: "/home/flume", "odd.name": "x${y}" },
  system: { "my.dir": "/opt" },
  property: (key) => ({ base: "/srv", nested: "${base}/in", round: "${round}" })[key],
  filters: new Map([
    ["env", { kind: "env" }],
    ["ext", { kind: "refused", hint: "write it" }],
  ]),
};

test.each([
  ["plain", "plain", "plain"],
  ["${PORT}", "44444", "${PORT}"],
  ["${env:PORT}", "44444", "${PORT}"],
  ["a ${env['PORT']} ${env[\"PORT\"]} ${env[PORT]}", "a 44444 44444 44444", "a ${PORT} ${PORT} ${PORT}"],
  ["${env:NONE:-7}", "7", "${NONE:-7}"],
  ["${sys:my.dir}/x", "/opt/x", "/opt/x"],
  ["${sys:user.home}", "/home/flume", "/home/flume"],
  ["${base}", "/srv", "/srv"],
  ["${nested}", "/srv/in", "/srv/in"],
  ["$${PORT}", "${PORT}", "$${PORT}"],
  ["%{header} $1 $", "%{header} $1 $", "%{header} $1 $"],
  ["${odd.name}", "x${y}", "x$${y}"],
])("%s", (text, resolved, written) => {
  expect(substitute(text, answers)).toEqual({ ok: true, value: { text: resolved, written } });
});

test.each([
  ["${PROT}", "PROT is not set", 'did you mean "PORT"?'],
  ["${ext['k']}", "not carried", "write it"],
  ["${envv['k']}", 'no config filter "envv"', 'did you mean "env"?'],
  ["${date:yyyy}", "Java alone", "write the value itself"],
  ["${sys:other}", "other is not known", "-D"],
  ["${round}", "circle", ""],
])("%s is refused", (text, message, hint) => {
  const result = substitute(text, answers);
  expect(result.ok ? "" : result.message).toContain(message);
  expect(result.ok ? "" : (result.hint ?? "")).toContain(hint);
});
