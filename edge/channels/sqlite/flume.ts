import { asBytes, type FlumeMapping } from "../../core/flume-mapping.ts";

const oneFile = "all channels of the agent live in one file in `dataDir`";
const ownSchema = "the channel file brings its own database";

const file: FlumeMapping = {
  names: ["file", "org.apache.flume.channel.file.FileChannel"],
  keys: {
    checkpointDir: { nothing: oneFile },
    dataDirs: { nothing: oneFile },
    useDualCheckpoints: { nothing: "the file is a database with a log of its own" },
    backupCheckpointDir: { nothing: oneFile },
    compressBackupCheckpoint: { nothing: oneFile },
    capacity: { nothing: "the channel is bounded in bytes (`capacity`, 2 GiB when not given), not in events" },
    transactionCapacity: { nothing: "sources wait for room chunk by chunk" },
    checkpointInterval: { nothing: "every commit is durable when it ends" },
    maxFileSize: { nothing: oneFile },
    minimumRequiredSpace: { to: "freeDisk", as: asBytes },
    "keep-alive": { nothing: "a source waits for room as long as it takes" },
    checkpointOnClose: { nothing: "every commit is durable when it ends" },
    "use-log-replay-v1": { nothing: "a start reads no log" },
    "use-fast-replay": { nothing: "a start reads no log" },
    fsyncPerTransaction: { nothing: "every commit is synced, whatever it says" },
    fsyncInterval: { nothing: "every commit is synced" },
    "write-timeout": { nothing: "there is one writer" },
    "checkpoint-timeout": { nothing: "there is one writer" },
    maxPendingTransactions: { nothing: "there is one writer" },
    "encryption.*": { refused: "an encrypted channel is not carried: encrypt the disk that `dataDir` lies on" },
  },
  start: { freeDisk: "500MiB" },
  differences: [
    "Events that Flume's channel still holds are not taken over: let it drain before the change.",
    "Its capacity is in bytes.",
  ],
};

const jdbc: FlumeMapping = {
  names: ["jdbc", "org.apache.flume.channel.jdbc.JdbcChannel"],
  keys: {
    "db.type": { nothing: ownSchema },
    "driver.class": { nothing: ownSchema },
    "driver.url": { nothing: ownSchema },
    "db.username": { nothing: ownSchema },
    "db.password": { nothing: ownSchema },
    "connection.properties.file": { nothing: ownSchema },
    "create.schema": { nothing: ownSchema },
    "create.index": { nothing: ownSchema },
    "create.foreignkey": { nothing: ownSchema },
    "transaction.isolation": { nothing: ownSchema },
    "maximum.connections": { nothing: ownSchema },
    "maximum.capacity": { nothing: "the channel is bounded in bytes (`capacity`), not in events" },
    "sysprop.*": { nothing: ownSchema },
    "sysprop.user.home": { nothing: ownSchema },
  },
  differences: ["Events that Flume's channel still holds are not taken over: let it drain before the change."],
};

/** For `defineChannel`. */
export const mappings: readonly FlumeMapping[] = [file, jdbc];
