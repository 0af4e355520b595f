/** The relay over central's own TLS: the compiled edge and central as processes, with certificates by openssl. */
import { afterEach, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import {
  type Certificates,
  type CertifiedKey,
  makeCertificates,
  makeDatedCertificate,
} from "../../../shared/testing/certificates.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Central, prepareCentral } from "../../drivers/central/central.ts";
import { type Edge, prepareEdge } from "../../drivers/edge/edge.ts";
import { edgeBinary } from "../../drivers/edge/edge-binary.ts";

const key = "a-key-to-look-and-relay-with";

beforeAll(async () => {
  await edgeBinary();
}, 300_000);

/** A central that takes what comes by relay with a client certificate alone, each agent with its own. */
class World implements AsyncDisposable {
  private readonly edges: Edge[] = [];

  private constructor(
    private readonly dir: TempDir,
    readonly certificates: Certificates,
    readonly central: Central,
  ) {}

  static async make(): Promise<World> {
    const dir = tempDir("tailgate-relay-tls-");
    mkdirSync(dir.file("certificates"));
    const certificates = makeCertificates(dir.file("certificates"));
    writeFileSync(dir.file("ca.pem"), certificates.ca);
    const sha256 = createHash("sha256").update(key).digest("hex");
    writeFileSync(
      dir.file("central.yaml"),
      `tls: { cert: { file: own.pem }, key: { file: own.key }, clientCa: { file: ca.pem }, clients: relay }
relay: { agents: ["{agent}"] }
apiKeys: [{ name: gw-1, sha256: ${sha256}, scopes: [read, relay] }]
`,
    );
    const { ca } = certificates;
    const options = { store: dir.file("central.db"), config: dir.file("central.yaml"), key, ca };
    return new World(dir, certificates, await prepareCentral(options));
  }

  /** What central proves itself with from now on. */
  certify({ cert, key: own }: CertifiedKey): void {
    writeFileSync(this.dir.file("own.pem"), cert);
    writeFileSync(this.dir.file("own.key"), own);
  }

  dated(fromYear: number, untilYear: number): CertifiedKey {
    return makeDatedCertificate(this.dir.file("certificates"), fromYear, untilYear);
  }

  async edge(agent: string, tls: object): Promise<Edge> {
    mkdirSync(this.dir.file(`data-${agent}`));
    const place = {
      agent,
      dataDir: this.dir.file(`data-${agent}`),
      logs: this.dir.file(`${agent}.log`),
      brokers: "",
      topic: "",
    };
    const options = { place, configPath: this.dir.file(`${agent}.yaml`), changes: this.relaying(tls) };
    const edge = await prepareEdge(options);
    this.edges.push(edge);
    await edge.start();
    return edge;
  }

  /** A sink that proves itself so; it has a key too, which is good for the relay where no certificate is asked for. */
  relaying(tls: object) {
    const { url } = this.central;
    return { top: { sinks: { central: { type: "relay", channel: "main", url, token: key, timeout: "5s", tls } } } };
  }

  write(agent: string, lines: number): void {
    appendFileSync(this.dir.file(`${agent}.log`), `{"car":"car-${agent}","n":1}\n`.repeat(lines));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.edges.map((edge) => edge.kill()), this.central.kill()]);
    this.dir[Symbol.dispose]();
  }
}

let world: World | undefined;
afterEach(async () => {
  await world?.[Symbol.asyncDispose]();
  world = undefined;
});

/** Waits until the edge has met this in its way; it holds what it has. */
async function meets(edge: Edge, words: RegExp): Promise<void> {
  await until(
    `the edge to meet ${words}`,
    () => edge.log,
    (log) => words.test(log),
    { withinMs: 20_000, everyMs: 50 },
  );
}

test("expired, renewed while both run, a wrong authority, no client certificate: what is held arrives once all is right", async () => {
  world = await World.make();
  const { central, certificates } = world;
  const right = { ca: certificates.ca, ...certificates.client };
  world.certify(world.dated(2020, 2021));
  central.launch();
  await central.wait("central to say that its certificate is over", async () =>
    central.log.includes("Our certificate is over"),
  );
  const edge = await world.edge("gw-1", right);
  world.write("gw-1", 500);
  await meets(edge, /certificate has expired/i);
  // Renewed: neither side is started again.
  const { pid } = central.child;
  world.certify(certificates.broker);
  central.child.signal("SIGHUP");
  await central.stored(500);
  expect([central.child.pid, edge.log.split("Tailgate starts").length]).toEqual([pid, 2]);

  edge.reload(world.relaying({ ...right, ca: certificates.otherCa }));
  world.write("gw-1", 500);
  await meets(edge, /unable to verify|self.signed/i);
  edge.reload(world.relaying({ ca: certificates.ca, ...certificates.stranger }));
  await central.wait("central to refuse the stranger", async () => central.log.includes("A connection was refused"));
  edge.reload(world.relaying({ ca: certificates.ca }));
  await meets(edge, /CENTRAL_CERTIFICATE_NEEDED|no client certificate/);
  expect((await central.status()).stored).toBe(500);
  edge.reload(world.relaying(right));
  const { stored, missing, conflicts, deadLettered } = await central.stored(1_000);
  expect({ stored, missing, conflicts, deadLettered }).toEqual({
    stored: 1_000,
    missing: 0,
    conflicts: 0,
    deadLettered: 0,
  });
}, 90_000);

test("a certificate speaks for its own agent alone, and for nothing but the relay", async () => {
  world = await World.make();
  const { central, certificates } = world;
  world.certify(certificates.broker);
  await central.start();
  const tls = { ca: certificates.ca, ...certificates.client };
  const edge = await world.edge("gw-2", tls);
  world.write("gw-2", 100);
  await meets(edge, /CENTRAL_RELAY_AGENT|not for it/);
  expect((await central.status()).stored).toBe(0);
  const read = await fetch(`${central.url}/api/v1/status`, { tls });
  expect(read.status).toBe(401);
}, 60_000);
