import type { StoredBatch } from "../../core/stored-batch.ts";
import definition from "../../sinks/http/index.ts";
import type { ArrayReader } from "./array-reader.ts";
import { fakeContext } from "./component.ts";
import { deliverNext } from "./deliver-next.ts";

/** Our own http sink, for a source that takes what it posts: hands it each of these batches. */
export async function postBatches(url: string, reader: ArrayReader, batches: readonly StoredBatch[]): Promise<void> {
  const reading = definition.read({ url });
  if (!reading.ok) throw new Error("the config is wrong");
  const sink = await reading.value.create(fakeContext());
  reader.put(...batches);
  for (const _ of batches) await deliverNext(sink.lane(reader), reader);
  await sink.stop();
}
