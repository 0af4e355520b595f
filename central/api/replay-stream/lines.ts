/** A live replay as lines of JSON: a record each, and in between words about it, in an object of one field, `replay`. */
import { hasCode } from "../../../shared/errors/app-error.ts";
import type { LivePart } from "../../replay/live-replay.ts";
import type { LiveReplay } from "../../replay/live-source.ts";
import type { ReplayReader } from "../../store/replay-port.ts";
import { recordBody } from "./record-body.ts";

const encoder = new TextEncoder();
const namesAtOnce = 1_000;

/** The parts, each some whole lines. The last line of a replay that is whole is `{"replay":{"kind":"done",…}}`. */
export async function* replayLines(
  { range, parts }: LiveReplay,
  reader: ReplayReader | undefined,
): AsyncGenerator<Uint8Array> {
  const erased = new ErasedVehicles(reader);
  await erased.refresh();
  let [records, suppressed] = [0, 0];
  const partitions = range.partitions.map(({ topic, partition, next, until }) => ({ topic, partition, next, until }));
  const begin = [{ kind: "begins", partitions }, ...range.gone.map((gone) => ({ kind: "gone", ...gone }))];
  const notes = range.notes.map((words) => ({ kind: "note", words }));
  yield encoder.encode([...begin, ...notes].map(wordLine).join(""));
  for await (const part of parts) {
    if (part.kind !== "records") {
      if (part.kind === "progress") await erased.refresh();
      yield encoder.encode(wordLine({ ...part, ...sums(part, records, suppressed) }));
      continue;
    }
    let text = "";
    for (const each of part.records) {
      const body = recordBody(each);
      if (erased.has(body.vehicle)) {
        suppressed++;
        continue;
      }
      records++;
      text += `${JSON.stringify(body)}\n`;
    }
    if (text !== "") yield encoder.encode(text);
  }
}

function sums({ kind }: LivePart, records: number, suppressed: number): object {
  return kind === "progress" || kind === "done" ? { records, suppressed } : {};
}

function wordLine(replay: object): string {
  return `${JSON.stringify({ replay })}\n`;
}

/** Erased vehicles stay so: Kafka may still hold them. A store without the list has erased none. */
class ErasedVehicles {
  private names: ReadonlySet<string> = new Set();

  constructor(private readonly reader: ReplayReader | undefined) {}

  has(vehicle: string): boolean {
    return this.names.has(vehicle);
  }

  /** A store that is away erases nothing meanwhile: what was read last holds. */
  async refresh(): Promise<void> {
    try {
      this.names = await this.read();
    } catch (thrown) {
      if (!hasCode(thrown, "CENTRAL_STORE_UNAVAILABLE")) throw thrown;
    }
  }

  private async read(): Promise<ReadonlySet<string>> {
    const names = new Set<string>();
    for (let after = ""; this.reader !== undefined; ) {
      const page = await this.reader.suppressions(after, namesAtOnce);
      for (const { vehicle } of page) names.add(vehicle);
      const last = page.at(-1);
      if (page.length < namesAtOnce || last === undefined) break;
      after = last.vehicle;
    }
    return names;
  }
}
