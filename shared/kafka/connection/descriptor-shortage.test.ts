import { expect, test } from "bun:test";

/** In a process of its own, with a limit of its own: everything is opened, and then a broker that listens is asked. */
const script = `
  import { openSync } from "node:fs";
  import { messageOf } from "${import.meta.dir}/../../errors/app-error.ts";
  import { createKafkajsLink } from "${import.meta.dir}/kafkajs-link.ts";
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
  const link = createKafkajsLink({
    brokers: ["127.0.0.1:" + server.port], clientId: "test", connectTimeoutMs: 2000, requestTimeoutMs: 2000,
    tls: undefined, sasl: undefined, report: () => {}, component: "test", random: { next: () => 0.5 },
  });
  try { for (;;) openSync("/dev/null", "r"); } catch {}
  const error = await link.topic("any").catch((thrown) => thrown);
  console.log(JSON.stringify({ code: error.code, said: messageOf(error), hint: error.hint }));
  process.exit(0);
`;

test("a connection that fails for want of descriptors says so, and not that nobody listens", async () => {
  const command = `ulimit -n 64; exec "${process.execPath}" -e '${script}'`;
  const child = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "inherit" });
  const said: unknown = JSON.parse(await new Response(child.stdout).text());
  expect(said).toMatchObject({ code: "KAFKA_UNREACHABLE" });
  expect(JSON.stringify(said)).toContain("EMFILE");
  expect(JSON.stringify(said)).toContain("LimitNOFILE");
});
