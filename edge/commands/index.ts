import { channelExport } from "./channel/export.ts";
import { channelLs } from "./channel/ls.ts";
import { channelPeek } from "./channel/peek.ts";
import { channelStat } from "./channel/stat.ts";
import { channelVerify } from "./channel/verify.ts";
import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { configTest } from "./config-test/verb.ts";
import { convert } from "./convert.ts";
import { init } from "./init.ts";
import { initInterceptor } from "./init-interceptor.ts";
import { keygen } from "./keygen.ts";
import { list } from "./list.ts";
import { tap } from "./live/tap.ts";
import { top } from "./live/top.ts";
import { pattern } from "./pattern.ts";
import { run } from "./run.ts";
import { schema } from "./schema.ts";
import { serviceInstall } from "./service-install.ts";
import { version } from "./version.ts";

/** Every verb, in the order of the help. */
export const commands: readonly Command[] = [
  run,
  check,
  configTest,
  convert,
  // Before `init`: the longer verb is looked for first.
  initInterceptor,
  init,
  list,
  schema,
  top,
  tap,
  channelLs,
  channelStat,
  channelPeek,
  channelVerify,
  channelExport,
  pattern,
  keygen,
  serviceInstall,
  version,
];
