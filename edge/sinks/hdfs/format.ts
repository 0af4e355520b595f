import { avroContainer } from "../../records/objects/avro-container.ts";
import { lineFormat, type ObjectFormat } from "../../records/objects/object-format.ts";
import { sequenceFile } from "../../records/objects/sequence-file.ts";
import type { Config } from "./config.ts";

/** How events become the bytes of a file. */
export function formatOf({ fileType, writeFormat, compression, fileSuffix }: Config): ObjectFormat {
  const format = plain();
  return { ...format, extension: `${format.extension}${fileSuffix}` };

  function plain(): ObjectFormat {
    switch (fileType) {
      case "text":
      case "ndjson":
        return lineFormat({ format: fileType, compression });
      case "sequence":
        return sequenceFile(writeFormat);
      case "avro":
        return avroContainer(compression);
    }
  }
}
