import { expect, test } from "bun:test";
import { parse } from "yaml";
import { parseConfig } from "../config/load-config.ts";
import { registry } from "../registry.gen.ts";
import { dispatch } from "./dispatch.ts";
import { init } from "./init.ts";

async function printed(what: string): Promise<string> {
  let text = "";
  const out = (part: string) => {
    text += part;
  };
  await dispatch(["init", what], [init], { registry, environment: {}, outBytes: async () => {}, out, err: out });
  return text;
}

test("an aggregator and what sends to it can stand on one machine: neither name, folder nor port is shared", async () => {
  const [edge, aggregator] = await Promise.all(["tail/relay", "relay/relay"].map(printed));
  for (const text of [edge, aggregator])
    expect(parseConfig("t.yaml", text ?? "", registry, {})).toMatchObject({ ok: true });
  const [one, other] = [parse(edge ?? ""), parse(aggregator ?? "")];
  for (const place of ["agent", "dataDir", "admin"]) expect([place, one[place]]).not.toEqual([place, other[place]]);
});
