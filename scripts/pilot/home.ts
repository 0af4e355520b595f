import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, isFreePort } from "../../shared/testing/free-port.ts";
import type { Way } from "./way.ts";

/** Where `npm start` keeps everything: a second start goes on where this one was. */
export interface PilotHome {
  readonly folder: string;
  readonly kafkaDir: string;
  /** What the simulator writes. */
  readonly pilotDir: string;
  /** The edge's data directory. */
  readonly edgeDir: string;
  /** Where the batch path ends: the daily files. */
  readonly lakeDir: string;
  /** Where the compiled edge unpacks its SQLite addon. */
  readonly runtimeDir: string;
  readonly store: string;
  readonly logs: string;
  readonly ports: Ports;
}

/** The ports, the same at every start. */
export interface Ports {
  readonly kafka: number;
  readonly central: number;
  readonly edge: number;
}

const wishes: Ports = { kafka: 9092, central: 8080, edge: 9464 };

/** Makes the folders, and chooses ports that are free where none were chosen yet. */
export async function openHome(folder: string): Promise<PilotHome> {
  const below = (name: string) => join(folder, name);
  const place = {
    folder,
    kafkaDir: below("kafka"),
    pilotDir: below("pilot"),
    edgeDir: below("edge"),
    lakeDir: below("lake"),
    runtimeDir: below("runtime"),
    store: below("central.db"),
    logs: below("logs"),
  };
  for (const dir of [place.kafkaDir, place.pilotDir, place.edgeDir, place.lakeDir, place.runtimeDir, place.logs]) {
    mkdirSync(dir, { recursive: true });
  }
  const file = below("ports.json");
  const ports: Ports = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : await choosePorts();
  writeFileSync(file, `${JSON.stringify(ports)}\n`);
  return { ...place, ports };
}

async function choosePorts(): Promise<Ports> {
  const choose = async (wish: number) => ((await isFreePort(wish)) ? wish : await freePort());
  return { kafka: await choose(wishes.kafka), central: await choose(wishes.central), edge: await choose(wishes.edge) };
}

/**
 * Notes that lines take this way from now on.
 *
 * @returns all ways that lines of this home have taken: the topic can only have those that went over Kafka.
 */
export function noteWay({ folder }: Pick<PilotHome, "folder">, way: Way): readonly Way[] {
  const file = join(folder, "ways.json");
  const before: readonly Way[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
  const ways = before.includes(way) ? before : [...before, way];
  writeFileSync(file, `${JSON.stringify(ways)}\n`);
  return ways;
}
