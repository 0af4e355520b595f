import { asBytes, type FlumeMapping } from "../../core/flume-mapping.ts";

const oneFile = "all channels of the agent live in one file in `dataDir`";
const inBytes = "memory and disk are bounded in bytes (`memoryCapacity`, `overflowCapacity`), not in events";
const synced = "what is written to the disk is synced when the commit ends";

const spillable: FlumeMapping = {
  names: ["spillablememory", "org.apache.flume.channel.SpillableMemoryChannel"],
  keys: {
    memoryCapacity: { by: "in events, and means nothing: `byteCapacity` bounds memory. `0` (no memory) is refused" },
    overflowCapacity: { by: "in events, and means nothing: `overflowCapacity` is in bytes. `0` (no disk) is refused" },
    byteCapacity: { to: "memoryCapacity", as: asBytes },
    byteCapacityBufferPercentage: { nothing: "batches are counted with all that belongs to them" },
    avgEventSize: { nothing: inBytes },
    overflowTimeout: { nothing: "what finds no room in memory is written at once" },
    overflowDeactivationThreshold: { nothing: "memory is used again whenever it has room" },
    "keep-alive": { nothing: "a source waits for room as long as it takes" },
    capacity: { nothing: "Flume ignores it here, too" },
    transactionCapacity: { nothing: "sources wait for room chunk by chunk" },
    checkpointDir: { nothing: oneFile },
    dataDirs: { nothing: oneFile },
    useDualCheckpoints: { nothing: "the file is a database with a log of its own" },
    backupCheckpointDir: { nothing: oneFile },
    compressBackupCheckpoint: { nothing: oneFile },
    checkpointInterval: { nothing: synced },
    maxFileSize: { nothing: oneFile },
    minimumRequiredSpace: { to: "freeDisk", as: asBytes },
    checkpointOnClose: { nothing: synced },
    "use-log-replay-v1": { nothing: "a start reads no log" },
    "use-fast-replay": { nothing: "a start reads no log" },
    fsyncPerTransaction: { nothing: synced },
    fsyncInterval: { nothing: synced },
    "encryption.*": { refused: "an encrypted channel is not carried: encrypt the disk that `dataDir` lies on" },
  },
  start: { freeDisk: "500MiB" },
  differences: [
    "A clean stop writes what memory holds to the disk: Flume loses it, as after a kill.",
    "What memory holds when the process is killed is read again from files; what was pushed is lost, and cannot be counted.",
    "When memory is full its oldest events go to the disk, and new ones go on into memory; in Flume the new ones go to the disk.",
    "Its capacities are in bytes: 32 MiB of memory and 2 GiB of disk when not given.",
  ],
  finish(draft) {
    for (const key of ["memoryCapacity", "overflowCapacity"]) {
      const given = draft.value(key);
      if (given !== undefined) draft.note(`${key} = ${given.text}: in events, and means nothing here; bytes bound it`);
    }
    if (isNought(draft.value("memoryCapacity")?.text)) {
      draft.refuse("memoryCapacity", "a spillable channel without memory is a channel on the disk", "take `file`");
    }
    if (isNought(draft.value("overflowCapacity")?.text)) {
      draft.refuse("overflowCapacity", "a spillable channel without a disk is a channel in memory", "take `memory`");
    }
  },
};

function isNought(text: string | undefined): boolean {
  return text !== undefined && Number(text) === 0;
}

/** For `defineChannel`. */
export const mappings: readonly FlumeMapping[] = [spillable];
